"""Every kind of mail keeps to what Outlook for Windows, Gmail and Apple Mail support, and each rule can be broken."""

import pytest

from tests.campaigns.letter import layout, samples

SCHOOLS = '<table width="100%" cellpadding="0" cellspacing="0" border="0" style="border-collapse'
BROKEN = {
    "float on p is not in the table": ('<p style="', '<p style="float:left;'),
    "outline-color in the style sheet is not in the table": ("; border-color:", "; outline-color:"),
    "@media (hover) in the style sheet is not in the table": ("@media (max-width: 360px)", "@media (hover)"),
    "p has padding and is no cell": ('<p style="', '<p style="padding:4px;'),
    "ul has padding and is no cell": ("padding:0", "padding-left:24px"),
    "a has padding and is no cell": ("line-height:42px", "padding:8px 0"),
    "p has a margin that is no length from 0": ('<p style="margin:0 0 16px', '<p style="margin:0 auto 16px'),
    "color on a is !important, which Word does not know in an attribute": ("color:#303675", "color:#303675!important"),
    "border-left is ignored on blockquote": ('<blockquote style="', '<blockquote style="border-left:3px solid #ccc;'),
    "width is ignored on p": ('<p style="', '<p style="width:200px;'),
    "max-width is ignored on blockquote": ('<blockquote style="', '<blockquote style="max-width:200px;'),
    "p has a display that Word does not know": ('<p style="', '<p style="display:block;'),
    "td has a height of lines that is no plain number": ("line-height:1.5;color", "line-height:24px;color"),
    "body has no bgcolor": ('<body bgcolor="#f3f4f7"', "<body"),
    "no table that Word alone reads is 600 px wide": ('align="center" width="600"', 'align="center" width="100%"'),
    "table has no width": (SCHOOLS, SCHOOLS.replace(' width="100%"', "")),
    "table has headings and is presentation, or has none and is not": ('<table role="presentation"', "<table"),
    "the outermost table does not name its language": (' lang="fr" width', " width"),
    "td has no bgcolor": ('<td class="cell" bgcolor="#ffffff"', '<td class="cell"'),
    "td has two colours of its ground": ('class="page" align="left" bgcolor="#ffffff"', 'class="page" bgcolor="#eee"'),
    "td does not name its font, Calibri and Arial first": (
        "font-family:Calibri,Arial,sans-serif;font-size:15px",
        "font-size:15px",
    ),
    "th does not name its font, Calibri and Arial first": ("Calibri,Arial,sans-serif;font-size:15px", "Arial"),
    "th does not say what it is the heading of": (' scope="col"', ""),
    "img has no width or no alt": ('width="1" height="1"', 'height="1"'),
    "it has no h1 that comes first, or several": ("h2", "h1"),
    "h3 follows h1": ("h2", "h3"),
    "h4 follows h2": ("h3", "h4"),
    "td is a landmark, which would be the mail program's own": ('<td class="page"', '<td role="main" class="page"'),
    "main is a landmark, which would be the mail program's own": ("blockquote", "main"),
    "<blockquote> is not closed": ("</blockquote>", ""),
    "</td> closes nothing": ("</table><![endif]-->", "</td></table><![endif]-->"),
    "a comment is no condition that Word knows": ("<!--[if mso]>", "<!--[if IE]>"),
    "a style sheet stands outside the head": ("</body>", "<style>p { color: red }</style></body>"),
    "it is longer than 100 kB": ("Madame", "Madame" + "x" * 100_000),
    "a button of Outlook's lacks its address, its corners or a colour": (' arcsize="10%"', ""),
    "a button of Outlook's lacks its size": ("width:158px;height", "height"),
    "Outlook's buttons are not those of the others": ("?choice=joined", "?choice=refused"),
    "a program sees both kinds of buttons": ("<!--[if !mso]><!-->", ""),
}


@pytest.mark.parametrize("name", samples.mails())
def test_a_mail_keeps_to_what_mail_programs_support(name):
    assert layout.faults(samples.mail(name)) == []


def test_the_table_of_support_lists_what_mails_use_and_says_what_is_lost():
    assert set().union(*map(layout.used, samples.every_mail())) == set(layout.SUPPORT)
    for support in layout.SUPPORT.values():
        assert {support[program] for program in ("outlook", "gmail", "apple")} <= {"yes", "partly", "no"}
        assert support["source"].startswith("https://")
        assert support["outlook"] == "yes" or support["note"]


@pytest.mark.parametrize("fault", BROKEN)
def test_a_mail_that_breaks_a_rule_is_found(fault):
    letter, (sound, broken) = samples.mail("réponse"), BROKEN[fault]
    letter = letter.replace("</body>", '<img src="x" width="1" height="1" alt=""></body>')
    assert layout.faults(letter) == []
    assert sound in letter
    once = sound.startswith("?choice")  # one kind of button only
    found = layout.faults(letter.replace(sound, broken, 1 if once else -1))
    assert any(one.endswith(fault) for one in found), found
