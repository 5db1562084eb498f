# SPDX-License-Identifier: BSD-2-Clause
"""The style checks print offenders: each is tried on a tree with one."""

import os
import shutil

import pytest

from tests.lib.process import run

SPDX = "/* SPDX-License-Identifier: BSD-2-Clause */\n"
LAW = """\
mt_room(base SOURCES a.c)
mt_room(conf SOURCES a.c USES base)
mt_room(event
\tSOURCES a.c
\tUSES base LIBS PkgConfig::libdeflate)
"""


@pytest.fixture
def tree(tmp_path):
    """A tree in which every check is content; write(name, text) adds."""
    for name in ("lib/base", "lib/conf", "lib/event", "milter", "rspamd-lua",
                 "shipper", "tail", "collector", "pixel-cgi", "feed", "ctl",
                 "tools", "tests", "bench"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "lib/CMakeLists.txt").write_text(LAW)

    def write(name, text):
        (tmp_path / name).write_text(SPDX + text)

    write("lib/base/a.h", "#include <stdint.h>\n")
    write("lib/conf/a.c", '#include "base/a.h"\n')
    write("lib/event/a.c", '#include "base/a.h"\n#include "event/x.def"\n')
    write("milter/a.c", '#include <libmilter/mfapi.h>\n#include "a.h"\n'
          '#include "conf/a.h"\n')
    write.root = tmp_path
    return write


@pytest.mark.parametrize("tool", ["rooms", "banned"])
def test_a_clean_tree_is_silence(root, tree, tool):
    assert run([root / f"tools/check-{tool}", tree.root]).stdout == ""


@pytest.mark.parametrize("name, text, said", [
    ("lib/conf/b.c", '#include "event/a.h"\n',
     "lib/conf/b.c: conf includes event, but uses only: base"),
    ("lib/base/b.c", '#include "conf/a.h"\n',
     "lib/base/b.c: base includes conf, but uses only: nothing"),
    ("lib/conf/b.c", "#include <hiredis/hiredis.h>\n",
     "lib/conf/b.c: hiredis/hiredis.h belongs to redis"),
    ("lib/base/b.h", "#include <libdeflate.h>\n",
     "lib/base/b.h: libdeflate.h in a header of lib"),
    ("ctl/b.c", '#include "milter/a.h"\n',
     "ctl/b.c: includes milter/a.h, of another program"),
    ("ctl/b.c", '#include "../milter/a.h"\n',
     "ctl/b.c: includes ../milter/a.h, of another program"),
])
def test_rooms_names_the_offender(root, tree, name, text, said):
    tree(name, text)
    done = run([root / "tools/check-rooms", tree.root], ok=(1,))
    assert done.stdout == said + "\n"


def test_rooms_wants_the_lowest_first(root, tree):
    tree.root.joinpath("lib/CMakeLists.txt").write_text(
        "mt_room(conf SOURCES a.c USES base)\nmt_room(base SOURCES a.c)\n"
        "mt_room(event SOURCES a.c USES base)\n")
    done = run([root / "tools/check-rooms", tree.root], ok=(1,))
    assert done.stdout == ("lib/CMakeLists.txt: conf uses base, which is not "
                           "a room above it\n")


@pytest.mark.parametrize("text, said", [
    ("\tstrcpy(a, b);", "overflows or cuts silently; use mt_buf or mt_str:"),
    ("\tn = atoi(a);",
     "takes garbage for numbers; use mt_num_* or mt_field_read:"),
    ("\tt = gmtime(&now);", "not for threads, or superseded:"),
    ("\tsystem(a);", "runs a shell:"),
    ("\tfree(a);", "use mt_alloc, mt_free and their like (base/mem.h):"),
    ("#ifdef HAVE_X", "optional parts are separate files:"),
])
def test_banned_names_the_offender(root, tree, text, said):
    tree("lib/conf/b.c", text + "\n")
    done = run([root / "tools/check-banned", tree.root], ok=(1,))
    assert done.stdout == f"{said}\nlib/conf/b.c:2: {text}\n"


def test_banned_lets_texts_and_comments_be(root, tree):
    tree("lib/conf/b.c", '/* not strcpy(a, b) */\n/*\n * free(x)\n */\n'
         'const char *s = "system(x)";\nmt_free(p);\nx->free(p);\n')
    run([root / "tools/check-banned", tree.root])


def test_banned_wants_the_licence_line(root, tree):
    tree.root.joinpath("ctl/b.c").write_text("int x;\n")
    done = run([root / "tools/check-banned", tree.root], ok=(1,))
    assert done.stdout == "ctl/b.c:1: no SPDX line\n"


def test_symbols_names_strangers_and_lasting_variables(root, tmp_path):
    (tmp_path / "lib").mkdir()
    source = tmp_path / "a.c"
    source.write_text("static int kept; int mt_ok(void);\n"
                      "static const char *const fine[] = { \"a\" };\n"
                      "int mt_ok(void) { return ++kept + fine[0][0]; }\n"
                      "int strange(void) { return 0; }\n")
    run(["cc", "-c", source, "-o", tmp_path / "a.c.o"])
    run(["ar", "rc", tmp_path / "lib/libmt_conf.a", tmp_path / "a.c.o"])
    done = run([root / "tools/check-symbols", tmp_path], ok=(1,))
    assert sorted(done.stdout.splitlines()) == [
        "conf/a.c.o: global symbol strange does not begin with mt_",
        "conf/a.c.o: kept is a variable that outlives a call"]


def test_symbols_without_a_build_says_so(root, tmp_path):
    done = run([root / "tools/check-symbols", tmp_path], ok=(1,))
    assert "build first" in done.stderr


def test_format_names_the_offender(root, tree):
    if shutil.which("clang-format-14") is None:
        pytest.skip("no clang-format-14")
    shutil.copy(root / ".clang-format", tree.root)
    os.remove(tree.root / "milter/a.c")
    tree("lib/conf/b.c", "int   x;\n")
    done = run([root / "tools/check-format", tree.root], ok=(1,))
    assert "lib/conf/b.c:2:4: error" in done.stderr
