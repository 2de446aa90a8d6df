"""Records as pages that anybody can read: HTML with no script and no other file.

Belongs here: the layout every page shares, how a value, a table or a chart is written,
and one page for each record of the registers. Does not belong here: what a record says
(`governance.records`), what an export or an evidence pack contains
(`publishing.exports`, `governance.review_pack`); they are only laid out here.

Accessibility (WCAG 2.2 AA): one `h1`, headings in order, a language, a skip link,
landmarks, tables with caption and scope, charts with a name and their table beneath,
nothing told by colour alone, and everything readable without the style sheet.
"""
