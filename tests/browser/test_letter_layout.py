"""What mails look like to a browser, which draws them as Apple Mail and Gmail do: edges, widths, contrast."""

import pytest

from tests.campaigns.letter import layout, samples

pytestmark = [pytest.mark.browser, pytest.mark.long]
HARDEST = ["invitation-volet-1, 147 écoles", "réponse", "nouvelles"]
SEEN = """() => {
  const light = colour => {
    const parts = colour.match(/[\\d.]+/g).slice(0, 3).map(part => part / 255)
    const [r, g, b] = parts.map(part => part <= .04045 ? part / 12.92 : ((part + .055) / 1.055) ** 2.4)
    return .2126 * r + .7152 * g + .0722 * b
  }
  const ground = element => {
    for (let one = element; one; one = one.parentElement) {
      const colour = getComputedStyle(one).backgroundColor
      if (!colour.startsWith("rgba(")) return colour
    }
    return "none"
  }
  const contrasts = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  while (walker.nextNode()) {
    const said = walker.currentNode.data.trim(), element = walker.currentNode.parentElement
    if (!said || !element.checkVisibility()) continue
    const [dim, bright] = [getComputedStyle(element).color, ground(element)].map(light).sort((a, b) => a - b)
    contrasts.push([(bright + .05) / (dim + .05), said])
  }
  const edges = [".head", ".page", ".foot"].map(name => {
    const cell = document.querySelector(name), box = cell.getBoundingClientRect(), style = getComputedStyle(cell)
    const words = document.createRange()
    words.selectNodeContents(cell.querySelector("h1, h2, p"))
    return [words.getBoundingClientRect().left, box.right - parseFloat(style.paddingRight)]
  })
  const root = document.documentElement
  return { over: root.scrollWidth - root.clientWidth, edges, least: contrasts.sort((a, b) => a[0] - b[0])[0],
           ground: ground(document.querySelector(".page")) }
}"""


@pytest.fixture
def page(chromium):
    context = chromium.new_context()
    context.route("**/*", lambda route: route.abort())  # the pixel
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("name", HARDEST)
def test_a_mail_is_read_at_every_width_light_and_dark_with_a_style_sheet_or_without(page, looks, name):
    whole = samples.mail(name)
    for is_whole, html in ((True, whole), (False, layout.without_sheet(whole))):
        page.set_content(html)
        for look in looks(page, (320, 320, 390, 390, 700, 700)):  # light and dark in turn
            seen = page.evaluate(SEEN)
            assert seen["over"] <= 0, look
            assert len({tuple(edge) for edge in seen["edges"]}) == 1, (look, seen["edges"])
            assert seen["least"][0] >= 4.5, (look, seen["least"])
            assert (seen["ground"] == "rgb(21, 23, 33)") == (is_whole and "dark" in look), look
