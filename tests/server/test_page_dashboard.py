"""The dashboard: what the model's card says, in words, plots and tables, and what this browser remembers."""

import json
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from importlib.resources import files
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

OpenPage = Callable[..., Page]
PARTS = ("roc", "reliability", "scores", "confusion", "sources", "tiers", "curves", "spots")
FITTED = """() => [...document.querySelectorAll(".plot")].every(
  (plot) => plot.firstChild?.offsetWidth === plot.clientWidth)"""  # empty until it is drawn
REMEMBER = """async (entries) => {
  const history = await import("/static/js/history.js");
  const nothing = { hash: null, p_fake: null, answer: null, failure: null, picture: null };
  for (const [i, [verdict, days]] of entries.entries()) {
    const time = Date.now() - days * 86400e3;
    await history.remember({ ...nothing, id: `entry-${i}`, name: "", size: 1, verdict, time });
  }
}"""


def card() -> dict[str, Any]:
    text = (files("veraface") / "models" / "weights" / "veraface-lite0.json").read_text("utf-8")
    return dict(json.loads(text))


@pytest.fixture
def open_dashboard(open_page: OpenPage) -> OpenPage:
    """Opens the dashboard; with `card`, that of another model, or None for a server that does not answer."""

    def open_(**options: Any) -> Page:
        shown = options.pop("card", ...)
        page = open_page(**options)
        if shown is not ...:
            page.route("**/api/model", lambda route: answer(route, shown))
        page.locator('nav a[href="/dashboard"]').click()
        expect(page.locator(".dashboard-body")).to_have_attribute("aria-busy", "false")
        return page

    return open_


def answer(route: Route, shown: dict[str, Any] | None) -> None:
    if shown is None:
        route.abort()
    else:
        route.fulfill(json=shown)


def rounded(value: float, digits: int) -> str:
    """As people round: a half upwards, which Python's own formatting does not."""
    return str(Decimal(str(value)).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP))


def share(value: float, like: float | None = None) -> str:
    """.0251 -> 2.5%, .5932 -> 59%."""
    digits = 1 if value and (value if like is None else like) < 0.0995 else 0
    return f"{rounded(float(Decimal(str(value)) * 100), digits)}%"


def rows_of(page: Page, part: str) -> list[list[str]]:
    """Each row of a part's first table, cell by cell."""
    script = """(section) => [...section.querySelector("table").tBodies[0].rows].map(
        (row) => [...row.cells].map((cell) => cell.textContent))"""
    rows: list[list[str]] = page.locator(f"#{part}").evaluate(script)
    return rows


def slider(page: Page, part: str) -> Locator:
    return page.locator(f"#{part} [role=slider]").first


def valuetext(page: Page, part: str) -> str:
    return slider(page, part).get_attribute("aria-valuetext") or ""


def test_the_first_figures_are_those_of_the_card_with_their_intervals(open_dashboard: OpenPage) -> None:
    page = open_dashboard()
    expect(page).to_have_title("How good it is · Veraface")
    expect(page.locator(".tile")).to_have_count(5)
    whole = card()["measured"]["rows"][0]
    low, high = whole["intervals"]["reals_called_fake"]
    expect(page.locator(".tile .value").nth(0)).to_have_text(f"{whole['auc']:.3f}")
    expect(page.locator(".tile .value").nth(1)).to_have_text(f"{100 * whole['reals_called_fake']:.1f}")
    expect(page.locator(".tile .interval").nth(1)).to_have_text(f"{100 * low:.1f} to {100 * high:.1f}")
    expect(page.locator(".facts code")).to_have_text(card()["measured"]["command"])
    expect(page.locator(".limits li")).to_have_text(card()["limits"])


def test_figures_are_the_cards_own(open_dashboard: OpenPage) -> None:
    """Every one of each table: curve, bins, counts, sources, tiers, degradation."""
    page = open_dashboard()
    measured = card()["measured"]
    diagrams = measured["diagrams"]
    roc = diagrams["roc"]
    points = zip(roc["false_alarms"], roc["recall"], strict=True)
    assert [row[1:] for row in rows_of(page, "roc")[2:]] == [[share(x), share(y)] for x, y in points]
    bins = [[f"{b['pictures']}", share(b["p_fake"]), share(b["share_fake"])] for b in diagrams["reliability"]]
    assert [row[1:] for row in rows_of(page, "reliability")] == bins
    reals = [sum(own["real"][i] for own in diagrams["histograms"]) for i in range(20)]
    assert [row[1] for row in rows_of(page, "scores")] == [str(count) for count in reals]
    for said, label in zip(rows_of(page, "confusion"), ("real", "fake"), strict=True):
        counts = diagrams["confusion"][label]
        judged = sum(counts[verdict] for verdict in ("real", "fake", "uncertain"))
        for cell, verdict in zip(said[1:], ("fake", "uncertain", "real"), strict=False):
            assert cell.startswith(f"{share(round(counts[verdict] / judged, 4))}{counts[verdict]}")
    by_source = {row["source"]: row for row in measured["rows"][1:]} | {
        "self-blended": measured["self_blended"]
    }
    shown = page.locator("#sources table").first.locator("tbody tr")
    for row in shown.all():
        own = by_source[row.locator("bdi").inner_text()]
        numbers = row.locator(".number").all_inner_texts()
        keys = ("fakes_called_fake", "fakes_called_real", "fakes_uncertain")
        assert numbers == [*(share(own[key]) for key in keys), rounded(own["auc"], 3)]
    by_tier = [tier["auc"] for tier in measured["tiers"]]
    assert [said.split(" ")[0] for said in rows_of(page, "tiers")[0][1:]] == [rounded(a, 3) for a in by_tier]
    kind = measured["curves"]["degradations"][0]
    steps = [measured["curves"]["clean"], *kind["steps"]]
    assert [row[2] for row in rows_of(page, "curves")] == [share(step["fakes_called_fake"]) for step in steps]


def test_every_plot_says_in_words_what_it_shows_and_has_its_table(open_dashboard: OpenPage) -> None:
    page = open_dashboard()
    figures = page.locator("figure")
    expect(figures).to_have_count(5)
    expect(page.locator("figure canvas")).to_have_count(5)
    for figure in figures.all():
        assert len(figure.locator("figcaption").inner_text()) > 20
        assert not figure.locator("table").is_visible()
        figure.locator("summary").click()
        assert figure.locator("tbody tr").count() > 3
        assert figure.locator("thead th[scope=col]").count() > 1
        assert figure.locator("tbody th[scope=row]").count() == figure.locator("tbody tr").count()


def test_arrow_keys_move_the_point_that_is_read(open_dashboard: OpenPage) -> None:
    page = open_dashboard()
    slider(page, "roc").focus()
    page.keyboard.press("Home")
    assert valuetext(page, "roc") == "0% of reals called fake, 0% of fakes found"
    page.keyboard.press("ArrowRight")
    expect(slider(page, "roc")).to_have_attribute("aria-valuenow", "2")
    expect(page.locator("#roc .reading")).to_have_text(valuetext(page, "roc"))
    expect(page.locator("#roc .dot")).to_be_visible()
    page.keyboard.press("End")
    assert valuetext(page, "roc") == "100% of reals called fake, 100% of fakes found"
    page.keyboard.press("ArrowRight")  # nothing beyond the end
    assert valuetext(page, "roc") == "100% of reals called fake, 100% of fakes found"
    page.keyboard.press("Escape")
    expect(page.locator("#roc .dot")).to_be_hidden()


def test_the_pointer_reads_the_nearest_point(open_dashboard: OpenPage) -> None:
    page = open_dashboard()
    over = page.locator("#reliability .u-over")
    over.scroll_into_view_if_needed()
    box = over.bounding_box()
    assert box is not None
    over.hover(position={"x": box["width"] - 4, "y": 10})
    last = card()["measured"]["diagrams"]["reliability"][-1]
    expect(page.locator("#reliability .reading")).to_contain_text(f"{last['pictures']} pictures")
    page.mouse.move(5, 5)
    expect(page.locator("#reliability .dot")).to_be_hidden()


def test_the_shipped_thresholds_are_among_what_can_be_read(open_dashboard: OpenPage) -> None:
    page = open_dashboard()
    page.locator("#roc summary").click()
    expect(page.locator("#roc tbody tr").first).to_have_text("fake from 82%2.5%59%")


def test_the_confusion_matrix_counts_and_says_what_is_an_error(open_dashboard: OpenPage) -> None:
    page = open_dashboard()
    confusion = card()["measured"]["diagrams"]["confusion"]
    cells = page.locator("#confusion tbody tr")
    expect(cells.nth(0)).to_contain_text(f"2.5%{confusion['real']['fake']}false alarms")
    expect(cells.nth(1)).to_contain_text(f"{confusion['fake']['real']}missed")


def test_results_by_source_have_the_worst_first_and_are_sorted_by_any_column(
    open_dashboard: OpenPage,
) -> None:
    page = open_dashboard()
    table = page.locator("#sources table").first
    names = table.locator("tbody th bdi")
    figures = table.locator("tbody tr td:nth-child(3) .number")
    shares = [float(text.rstrip("%")) for text in figures.all_inner_texts()]
    assert shares == sorted(shares)
    button = table.get_by_role("button", name="Source")
    button.click()
    expect(table.locator("th[aria-sort=ascending]")).to_have_text("Source")
    upwards = names.all_inner_texts()
    assert upwards[0] == "ciplab"
    expect(table.get_by_role("button", name="Source")).to_be_focused()
    page.keyboard.press("Enter")
    expect(table.locator("th[aria-sort=descending]")).to_have_text("Source")
    assert names.all_inner_texts() == upwards[::-1]
    page.get_by_role("radio", name="Generator").check(force=True)
    made_by = [row["generator"] for row in card()["measured"]["by_generator"] if row["fake"]]
    assert sorted(page.locator("#sources tbody th bdi").all_inner_texts()) == sorted(made_by)


def test_each_degradation_can_be_chosen(open_dashboard: OpenPage) -> None:
    page = open_dashboard()
    for kind in card()["measured"]["curves"]["degradations"]:
        choice = page.locator(f'#curves input[value="{kind["degradation"]}"]')
        choice.check(force=True)
        expect(slider(page, "curves")).to_have_attribute("aria-valuemax", str(len(kind["steps"]) + 1))
    expect(page.locator("#curves canvas")).to_have_count(2)


def test_one_source_can_be_looked_at_alone(open_dashboard: OpenPage) -> None:
    page = open_dashboard()
    page.locator("#scores select").select_option("sfhq1")
    own = next(h for h in card()["measured"]["diagrams"]["histograms"] if h["source"] == "sfhq1")
    slider(page, "scores").focus()
    page.keyboard.press("End")
    expect(page.locator("#scores .reading")).to_contain_text(f"0 real, {own['fake'][-1]} fake")


def test_weak_spots_are_all_named(open_dashboard: OpenPage) -> None:
    page = open_dashboard()
    shown = page.locator("#spots li").all_text_contents()
    assert sorted(shown) == sorted(s.replace(": ", "", 1) for s in card()["measured"]["weak_spots"])


def test_plots_take_the_colours_of_the_theme_and_the_size_of_the_window(open_dashboard: OpenPage) -> None:
    page = open_dashboard()
    canvas = page.locator("#roc canvas")
    pixels = "canvas => canvas.toDataURL()"
    before = canvas.evaluate(pixels)
    page.evaluate(
        "d => d.theme = d.theme === 'light' ? 'dark' : 'light'",
        page.evaluate_handle("document.documentElement.dataset"),
    )
    page.wait_for_function("([c, b]) => c.toDataURL() !== b", arg=[canvas.element_handle(), before])
    page.set_viewport_size({"width": 400, "height": 800})
    page.wait_for_function("c => c.clientWidth < 380", arg=canvas.element_handle())
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_it_fits_windows_of_every_width(open_dashboard: OpenPage) -> None:
    page = open_dashboard()
    for width in (320, 360, 768, 1000, 3840):
        page.set_viewport_size({"width": width, "height": 800})
        page.wait_for_function(FITTED)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), width


def test_nothing_moves_when_the_card_comes(open_page: OpenPage) -> None:
    page = open_page()
    waiting: list[Route] = []
    page.route("**/api/model", lambda route: waiting.append(route))
    page.locator('nav a[href="/dashboard"]').click()
    expect(page.locator(".dashboard-body")).to_have_attribute("aria-busy", "true")
    expect(page.locator(".tile .bone")).to_have_count(10)
    tops = "nodes => nodes.map((node) => node.getBoundingClientRect().top)"
    before = page.locator(".tile, .grounds, .contents").evaluate_all(tops)
    waiting[0].continue_()
    expect(page.locator(".dashboard-body")).to_have_attribute("aria-busy", "false")
    assert page.locator(".tile, .grounds, .contents").evaluate_all(tops) == pytest.approx(before, abs=2)


def test_a_server_that_does_not_answer_can_be_asked_again(open_dashboard: OpenPage) -> None:
    page = open_dashboard(card=None)
    expect(page.get_by_role("alert")).to_contain_text("Server not reachable")
    expect(page.locator("#own")).to_contain_text("Nothing yet")
    page.unroute("**/api/model")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(".tile")).to_have_count(5)
    expect(page.get_by_role("alert")).to_have_count(0)


def test_a_model_that_was_never_measured_is_said_to_be_so(open_dashboard: OpenPage) -> None:
    bare = {key: value for key, value in card().items() if key not in ("measured", "limits", "data_terms")}
    page = open_dashboard(card=bare)
    expect(page.locator("main")).to_contain_text("nothing is known of how good it is")
    expect(page.locator("main")).to_contain_text("--write-card")
    expect(page.locator("figure")).to_have_count(0)


@pytest.mark.parametrize(
    "missing",
    ["rows", "diagrams", "by_generator", "tiers", "curves", "weak_spots", "thresholds", "all but rows"],
)
def test_a_card_may_lack_any_part(open_dashboard: OpenPage, missing: str) -> None:
    """Each part says what it lacks; none takes the others down."""
    shown = card()
    measured = shown["measured"]
    if missing == "all but rows":
        shown["measured"] = {"rows": [{"source": "all", "real": 5, "fake": 5}]}
    else:
        del measured[missing]
    page = open_dashboard(card=shown)
    for part in PARTS:
        expect(page.locator(f"#{part} h2")).to_be_visible()
    lacking = {"diagrams": 4, "tiers": 1, "curves": 1, "weak_spots": 1, "all but rows": 8}
    expect(page.locator(".lacking")).to_have_count(lacking.get(missing, 0))
    assert "undefined" not in page.locator("main").inner_text()
    assert "NaN" not in page.locator("main").inner_text()


ODD: dict[str, Any] = {
    "rows": "many",
    "by_generator": {"one": 1},
    "by_face_size": [None, 3, {}],
    "self_blended": "yes",
    "tiers": [None, {"tier": "constructor", "auc": "high", "how": 7}],
    "weak_spots": [1, None, {"a": 2}, "hair: AUC 0.5", ""],
    "trivial": {"warnings": "none"},
    "thresholds": ["0.2"],
    "diagrams": {
        "roc": "round",
        "reliability": [None, {"from": "0", "pictures": None}],
        "histograms": [None, {"real": "abc", "fake": 3}],
        "confusion": {"real": 3, "fake": None},
    },
    "curves": {"clean": 1, "degradations": [None, {"degradation": "toString", "steps": [None, {"auc": {}}]}]},
}


@pytest.mark.parametrize("part", [*ODD, "all", "no object"])
def test_a_card_may_have_anything_in_another_form(open_dashboard: OpenPage, part: str) -> None:
    """What is not of the right form is left out; nothing else is."""
    shown = {**card(), "limits": "none", "data_terms": {"ciplab": 7}, "name": {"a": 1}}
    odd = ODD if part == "all" else {part: ODD.get(part)}
    shown["measured"] = "good" if part == "no object" else {**shown["measured"], **odd}
    page = open_dashboard(card=shown)
    for name in PARTS:
        expect(page.locator(f"#{name} h2")).to_be_visible()
    said = page.locator("main").inner_text()
    assert [word for word in ("undefined", "NaN", "[object", "null") if word in said] == []
    lacking = {"diagrams": 4, "tiers": 0, "curves": 0, "all": 4, "no object": 8}
    expect(page.locator(".part .lacking")).to_have_count(1 + lacking.get(part, 0))  # the limits


def test_words_of_a_card_are_never_markup_and_never_too_long(open_dashboard: OpenPage) -> None:
    markup = "<img src=x onerror=document.title='taken'>" + "W" * 3000

    def everywhere(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: everywhere(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [everywhere(inner) for inner in value]
        return markup if isinstance(value, str) else value

    page = open_dashboard(card=everywhere(card()))
    expect(page.locator("#spots li").first).to_have_text(markup)
    assert page.locator("#main :is(img, script)").count() == 0
    expect(page).to_have_title("How good it is · Veraface")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_intervals_are_left_out_where_the_card_has_none(open_dashboard: OpenPage) -> None:
    shown = card()
    for row in shown["measured"]["rows"]:
        row["intervals"] = {}
    page = open_dashboard(card=shown)
    expect(page.locator(".tile .interval").first).to_have_text("no interval known")
    # Only the self-blended row keeps its own, of three figures.
    expect(page.locator("#sources table").first.locator(".whisker")).to_have_count(3)


def test_with_nothing_remembered_it_says_where_to_begin(open_dashboard: OpenPage) -> None:
    page = open_dashboard()
    expect(page.locator("#own")).to_contain_text("Nothing yet")
    expect(page.locator("#own a")).to_have_attribute("href", "/")


def test_own_results_are_counted_by_verdict_and_by_day(open_dashboard: OpenPage) -> None:
    page = open_dashboard()
    page.evaluate(REMEMBER, [["fake", 0], ["fake", 2], ["real", 2], ["no_face", 45]])
    rows = page.locator("#own table").first.locator("tbody tr")
    expect(rows.nth(0)).to_have_text("Likely fake250%")
    expect(rows.nth(2)).to_have_text("Likely real125%")
    expect(rows.nth(3)).to_have_text("No face found125%")
    plot = slider(page, "own")
    expect(plot).to_have_attribute("aria-valuemax", "30")
    plot.focus()
    page.keyboard.press("End")
    expect(page.locator("#own .reading")).to_contain_text("1 picture · Likely fake 1")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#own .reading")).to_contain_text("2 pictures · Likely fake 1 · Likely real 1")


def test_history_that_is_off_is_said_to_be(open_dashboard: OpenPage) -> None:
    page = open_dashboard()
    page.evaluate("import('/static/js/history.js').then((history) => history.setOn(false))")
    expect(page.locator("#own")).to_contain_text("switched off")
    expect(page.locator("#own a")).to_have_attribute("href", "/history")


def test_the_list_of_parts_leads_to_each(open_dashboard: OpenPage) -> None:
    page = open_dashboard()
    page.locator(".contents").get_by_text("Weak spots").click()
    expect(page.locator("#spots h2")).to_be_in_viewport()
    expect(page.locator("#spots h2")).to_be_focused()


def test_what_was_chosen_and_opened_stays_when_the_language_changes(open_dashboard: OpenPage) -> None:
    page = open_dashboard()
    page.locator('#curves input[value="blur"]').check(force=True)
    page.locator("#roc summary").click()
    page.locator("#language").select_option("de")
    expect(page.locator("html")).to_have_attribute("lang", "de")
    expect(page.locator('#curves input[value="blur"]')).to_be_checked()
    expect(page.locator("#roc details")).to_have_attribute("open", "")
    expect(page.locator(".tile .value").first).to_have_text("0,932")
