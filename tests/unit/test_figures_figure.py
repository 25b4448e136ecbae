"""The figure record: files, table, and an SVG that says what it shows and keeps its identifiers to itself."""

from __future__ import annotations

import csv
import io
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

import katoutcomes.figures
from katoutcomes.errors import OptionError
from katoutcomes.figures.drawing.layout import new_page
from katoutcomes.figures.figure import Figure, figure_name

SVG = "{http://www.w3.org/2000/svg}"
XLINK_HREF = "{http://www.w3.org/1999/xlink}href"


def parsed(text):
    return ET.fromstring(text)  # noqa: S314 - our own text, not a stranger's


def draw():
    page = new_page(200, 120)
    axes = page.axes(30, 20, 150, 80)
    axes.plot([0, 1, 2], [1, 3, 2], marker="o")
    axes.bar([1], [2], hatch="//")
    page.text(5, 5, "Title $x$ & <b>")
    return page.figure


def make(name="example", title="An <example> & more", alt_text='Says "1 < 2".'):
    rows = (("a", 1, 0.1 + 0.2, None), ("b, c", 2, -7.0, "<11"))
    return Figure(name, title, alt_text, ("group", "n_patients", "estimate", "note"), rows, draw)


def test_the_svg_is_one_element_that_names_and_describes_itself():
    root = parsed(make().svg())
    assert root.tag == f"{SVG}svg"
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == "example-title example-desc"
    title, description = root[0], root[1]
    assert (title.tag, title.get("id"), title.text) == (f"{SVG}title", "example-title", "An <example> & more")
    assert (description.tag, description.get("id"), description.text) == (f"{SVG}desc", "example-desc", 'Says "1 < 2".')


def identifiers(svg):
    return [element.get("id") for element in parsed(svg).iter() if element.get("id")]


def references(svg):
    found = {element.get(XLINK_HREF)[1:] for element in parsed(svg).iter() if element.get(XLINK_HREF)}
    return found | set(re.findall(r"url\(#([^)]+)\)", svg))


def test_identifiers_are_unique_and_every_reference_finds_its_target():
    svg = make().svg()
    found = identifiers(svg)
    assert len(found) == len(set(found))
    assert references(svg)
    assert references(svg) <= set(found)


def test_two_figures_in_one_page_share_no_identifier():
    one, other = make("one").svg(), make("other").svg()
    assert not set(identifiers(one)) & set(identifiers(other))


def test_the_style_rule_reaches_only_the_figure():
    style = re.search(r"<style[^>]*>(.*?)</style>", make().svg(), re.DOTALL)[1]
    assert style.count("{") == 1
    assert style.strip().startswith("#example *")


def test_nothing_says_when_or_with_what_it_was_drawn():
    svg, png = make().svg(), make().png()
    assert "metadata" not in svg
    assert not re.search(r"\d{4}-\d\d-\d\dT", svg)
    assert b"Software" not in png
    assert b"tEXt" not in png


def test_both_pictures_of_one_drawing_are_those_of_two():
    for figure in (make(), make("other")):
        assert figure.svg_and_png() == (figure.svg(), figure.png())
        assert figure.svg_and_png(dpi=72) == (figure.svg(), figure.png(dpi=72))


def test_the_same_figure_gives_the_same_bytes():
    one, other = make(), make()
    assert one.svg() == one.svg() == other.svg()
    assert one.png() == one.png() == other.png()
    assert one.png(dpi=72) != one.png(dpi=150)


def test_the_csv_is_the_table():
    text = make().csv()
    assert "\r" not in text
    read = list(csv.reader(io.StringIO(text)))
    assert read == [
        ["group", "n_patients", "estimate", "note"],
        ["a", "1", "0.3", ""],
        ["b, c", "2", "-7", "<11"],
    ]


def test_save_writes_four_files_with_the_name_of_the_figure(tmp_path):
    figure = make()
    paths = figure.save(tmp_path / "new" / "folder")
    assert [path.name for path in paths] == ["example.svg", "example.png", "example.csv", "example.txt"]
    contents = [path.read_bytes() for path in paths]
    assert contents[0] == figure.svg().encode()
    assert contents[1] == figure.png()
    assert contents[2] == figure.csv().encode()
    assert contents[3] == b'Says "1 < 2".\n'


def test_a_user_may_go_on_without_changing_the_record():
    figure = make()
    before = figure.svg()
    axes = figure.axes()[0]
    axes.set_ylim(0, 100)
    axes.figure.text(0.5, 0.5, "mine")
    assert figure.matplotlib_figure() is not figure.matplotlib_figure()
    assert figure.svg() == before


def test_a_style_sheet_of_the_user_changes_nothing():
    import matplotlib as mpl

    before = make().svg(), make().png()
    loud = {"font.size": 20, "font.family": "serif", "axes.facecolor": "red", "lines.linewidth": 8, "svg.hashsalt": "x"}
    with mpl.rc_context(loud):
        assert (make().svg(), make().png()) == before


def test_notebooks_show_the_svg():
    figure = make()
    assert figure.svg() in figure._repr_html_()
    assert parsed(figure._repr_html_()).tag == "div"


@pytest.mark.parametrize("name", ["", "../x", "Name", "1st", "a b", "a-b"])
def test_a_name_that_is_no_file_stem_is_refused(name):
    with pytest.raises(OptionError, match="lower case letters"):
        make(name)


def test_names_are_made_of_words():
    assert figure_name("jacobson", "BDI-II", "week 12", "by_site") == "jacobson_bdi_ii_week_12_by_site"


def test_importing_the_figures_does_not_import_matplotlib():
    room = Path(katoutcomes.figures.__file__).parent
    modules = sorted(path.relative_to(room).with_suffix("").as_posix().replace("/", ".") for path in room.rglob("*.py"))
    modules = [module for module in modules if not module.endswith("__init__")]
    assert {"flow", "drawing.layout"} < set(modules)
    code = "import sys\n" + "\n".join(f"import katoutcomes.figures.{module}" for module in modules)
    code += "\nprint(sorted({'matplotlib', 'pandas', 'scipy', 'numpy'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_drawing_does_not_import_pyplot():
    code = (
        "import sys\nfrom katoutcomes.figures.drawing.layout import new_page\n"
        "from katoutcomes.figures.figure import Figure\n"
        "figure = Figure('a', 'A', 'A.', (), (), lambda: new_page(72, 72).figure)\n"
        "figure.svg(), figure.png()\nprint('matplotlib.pyplot' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_save_takes_a_folder_and_says_so(tmp_path):
    with pytest.raises(OptionError, match="takes a folder"):
        make("a_figure").save(tmp_path / "a.png")
    assert list(tmp_path.iterdir()) == []
