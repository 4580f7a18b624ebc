#!/usr/bin/env python3
"""Every check of this folder passes a good tree and fails a bad one: a check that cannot fail is no check."""
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest

import dependencies
import formatting
import leftovers
import readme
import rules
import run_verdict
import symbols
import tally
import tidy
import tree

ROOT = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))


class Tree(unittest.TestCase):
    """A tiny project in a temporary folder."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="braidway-hygiene-")
        self.addCleanup(self.folder.cleanup)
        self.root = os.path.realpath(self.folder.name)
        self.put("lb/good.hpp", "#pragma once\n#include <cstdint>\n")
        self.put("lb/good.cpp", '#include "lb/good.hpp"\n')

    def put(self, name, text, executable=False):
        path = os.path.join(self.root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(text)
        if executable:
            os.chmod(path, 0o755)
        return path

    def fails(self, problems, *words):
        self.assertEqual(len(problems), 1, problems)
        for word in words:
            self.assertIn(word, problems[0])


class Dependencies(Tree):
    def test_a_good_tree_passes(self):
        self.put("telemetry/a.hpp", '#include <sodium/crypto_shorthash.h>\n#include "lb/good.hpp"\n')
        self.put("dataplane/a.hpp", '#include <rte_mbuf.h>\n#include "telemetry/a.hpp"\n')
        self.put("ctrl/a.hpp", '#include <thread>\n#include "dataplane/a.hpp"\n#include "ctrl/model/m.hpp"\n')
        self.put("ctrl/model/m.hpp", '#include <Eigen/Dense>\n#include "lb/good.hpp"\n')
        self.put("bench/micro/main.cpp", '#include "ctrl/a.hpp"\nint main() {}\n')
        self.put("bench/fabric/a.hpp", '#include "ctrl/model/m.hpp"\n')
        self.assertEqual(dependencies.check(self.root), [])

    def test_each_impure_header_fails_in_each_pure_folder(self):
        for header in ("rte_mbuf.h", "thread", "mutex", "chrono", "iostream", "fstream", "sys/types.h", "unistd.h",
                       "pthread.h", "cstdio", "condition_variable", "filesystem", "yaml-cpp/yaml.h", "Eigen/Core",
                       "sodium.h", "sodium/randombytes.h"):
            for folder in ("lb", "telemetry", "ctrl/model"):
                if (header, folder) == ("Eigen/Core", "ctrl/model"):
                    continue
                with self.subTest(header=header, folder=folder):
                    path = self.put(f"{folder}/bad.hpp", f"#include <{header}>\n")
                    self.fails(dependencies.check(self.root), f"<{header}>", f"{folder}/bad.hpp:1")
                    os.remove(path)

    def test_an_impure_header_fails_through_another_header(self):
        self.put("lb/inner.hpp", "#  include  <chrono>\n")
        self.put("lb/outer.hpp", '#include "lb/inner.hpp"\n')
        self.assertIn("lb/outer.hpp -> lb/inner.hpp", "\n".join(dependencies.check(self.root)))

    def test_each_forbidden_acquaintance_fails(self):
        for name, header in (("lb/bad.hpp", "telemetry/x.hpp"), ("lb/bad.hpp", "dataplane/x.hpp"),
                             ("telemetry/bad.hpp", "dataplane/x.hpp"), ("telemetry/bad.hpp", "ctrl/x.hpp"),
                             ("dataplane/bad.cpp", "ctrl/x.hpp"), ("dataplane/bad.cpp", "bench/x.hpp"),
                             ("ctrl/bad.cpp", "bench/x.hpp"), ("ctrl/model/bad.cpp", "ctrl/x.hpp"),
                             ("ctrl/model/bad.cpp", "dataplane/x.hpp"), ("bench/micro/bad.cpp", "ctrl/x.hpp"),
                             ("bench/fabric/bad.cpp", "dataplane/x.hpp"), ("bench/fabric/bad.cpp", "ctrl/x.hpp")):
            with self.subTest(name=name, header=header):
                path = self.put(name, f'#include "{header}"\n')
                self.fails(dependencies.check(self.root), name, header)
                os.remove(path)

    def test_a_relative_include_and_a_stray_source_fail(self):
        path = self.put("lb/bad.cpp", '#include "good.hpp"\n')
        self.fails(dependencies.check(self.root), "path from the root")
        os.remove(path)
        self.put("extra/a.cpp", "")
        self.fails(dependencies.check(self.root), "outside the folders")


class Compiled(Tree):
    def build(self, text, name="lb/unit.cpp", beside=()):
        os.remove(os.path.join(self.root, "lb/good.cpp"))
        build = os.path.join(self.root, "build")
        os.makedirs(build)
        entries = []
        for source, content in [(name, text), *beside]:
            path, output = self.put(source, content), os.path.basename(source)[:-len("cpp")] + "o"
            command = f"g++ -std=c++20 -Werror -I{self.root} -c {path} -o {output}"
            subprocess.run(command.split(), cwd=build, check=True)
            entries.append({"directory": build, "file": path, "command": command, "output": output})
        with open(os.path.join(build, "compile_commands.json"), "w") as file:
            json.dump(entries, file)
        return build

    def test_pure_objects_pass(self):
        text = "#include <cstring>\nvoid f(char* a, const char* b, unsigned long n) { std::memcpy(a, b, n); }\n"
        self.assertEqual(symbols.check(self.root, self.build(text)), [])

    def test_a_hidden_clock_is_found(self):
        text = 'extern "C" int clock_gettime(int, void*);\nint f() { return clock_gettime(1, nullptr); }\n'
        self.fails(symbols.check(self.root, self.build(text)), "lb/unit.cpp", "clock_gettime")

    def test_threads_output_and_dpdk_are_found(self):
        text = ("#include <iostream>\n#include <mutex>\n#include <chrono>\nextern \"C\" void rte_panic_now();\n"
                "std::mutex m;\nvoid f() { m.lock(); std::cout << 1; rte_panic_now(); "
                "if (std::chrono::steady_clock::now().time_since_epoch().count()) m.unlock(); }\n")
        found = "\n".join(symbols.check(self.root, self.build(text)))
        for word in ("pthread_mutex_lock", "std::cout", "rte_panic_now", "steady_clock::now"):
            self.assertIn(word, found)

    def test_a_source_that_is_not_built_is_found(self):
        build = self.build("int f() { return 1; }\n")
        self.put("lb/forgotten.cpp", "")
        self.fails(symbols.check(self.root, build), "only 1 objects")

    def test_clang_tidy_finds_and_forgets(self):
        shutil.copy(os.path.join(ROOT, ".clang-tidy"), self.root)
        build = self.build("int* f();\nint* f() { return 0; }\n")
        self.fails(tidy.check(self.root, build, 1), "modernize-use-nullptr")
        self.fails(tidy.check(self.root, build, 1), "modernize-use-nullptr")
        self.put("lb/unit.cpp", "int* f();\nint* f() { return nullptr; }\n")
        self.assertEqual(tidy.check(self.root, build, 1), [])
        self.assertEqual(tidy.check(self.root, build, 1), [])
        self.put("lb/unit.cpp", "int* f();\nint* f() { return 0; }\n// again\n")
        self.fails(tidy.check(self.root, build, 1), "modernize-use-nullptr")

    def test_clang_tidy_looks_again_when_a_header_changes(self):
        shutil.copy(os.path.join(ROOT, ".clang-tidy"), self.root)
        self.put("lb/good.hpp", "#pragma once\ninline int* f() { return nullptr; }\n")
        build = self.build('#include "lb/good.hpp"\nint* g() { return f(); }\n')
        self.assertEqual(tidy.check(self.root, build, 1), [])
        self.put("lb/good.hpp", "#pragma once\ninline int* f() { return 0; }\n")
        self.fails(tidy.check(self.root, build, 1), "modernize-use-nullptr")

    def test_clang_tidy_finds_in_each_of_sources_looked_at_together(self):
        shutil.copy(os.path.join(ROOT, ".clang-tidy"), self.root)
        good = "namespace a {\nint nine();\nint nine() { return 9; }\n}\n"
        for bad, words in (("int* f();\nint* f() { return 0; }\n", "modernize-use-nullptr"),
                           ("namespace a {\nint nine();\n}\nusing a::nine;\n", "misc-unused-using-decls"),
                           ("namespace a {\n}\nnamespace b = a;\n", "misc-unused-alias-decls")):
            with self.subTest(words=words):
                self.put("lb/good.cpp", good)
                build = self.build(bad, beside=[("lb/beside.cpp", good)])
                self.fails(tidy.check(self.root, build, 1), "lb/unit.cpp", words)
                shutil.rmtree(build)

    def test_sources_that_do_not_compile_together_are_looked_at_alone(self):
        shutil.copy(os.path.join(ROOT, ".clang-tidy"), self.root)
        text = "namespace { int own() { return 1; } }\nint %s();\nint %s() { return own(); }\n"
        build = self.build(text % ("f", "f"), beside=[("lb/beside.cpp", text % ("g", "g"))])
        self.assertEqual(tidy.check(self.root, build, 1), [])


class Formatting(Tree):
    def test_formatted_passes_and_unformatted_fails(self):
        shutil.copy(os.path.join(ROOT, ".clang-format"), self.root)
        self.assertEqual(formatting.check(self.root), [])
        self.put("lb/bad.cpp", "int   f( ){return 1 ;}\n")
        self.fails(formatting.check(self.root), "lb/bad.cpp")


class Rules(Tree):
    def test_a_good_tree_passes(self):
        self.assertEqual(rules.unfinished(self.root) + rules.long_files(self.root) + rules.top_level(self.root)
                         + rules.packages(self.root, ["libfoo-dev"]), [])

    def test_unfinished_work_and_machine_paths_fail(self):
        for text in ("// TO" "DO: later", "// FIX" "ME", "TEST(A, DIS" "ABLED_b) {}", "open(\"/wo" "rk/x\")",
                     "path = /ho" "me/me/x"):
            with self.subTest(text=text):
                self.put("lb/bad.cpp", text + "\n")
                self.fails(rules.unfinished(self.root), "lb/bad.cpp:1")

    def test_long_files_fail_unless_listed_with_a_reason(self):
        self.put("lb/long.cpp", "//\n" * 401)
        self.fails(rules.long_files(self.root), "lb/long.cpp: 401 lines")
        self.put(rules.LONG_FILES, "lb/long.cpp | one table\n")
        self.assertEqual(rules.long_files(self.root), [])
        self.put("lb/long.cpp", "//\n" * 400)
        self.fails(rules.long_files(self.root), "not over 400")

    def test_a_package_named_elsewhere_fails(self):
        self.put("README.md", "needs libfoo-dev to build\n")
        self.fails(rules.packages(self.root, ["libfoo-dev", "git"]), "README.md:1", "libfoo-dev")
        self.put("README.md", "apt" "-get install x\n")
        self.fails(rules.packages(self.root, ["libfoo-dev"]), "only scripts/setup installs")

    def test_a_new_top_level_folder_fails(self):
        self.put("misc/x.txt", "")
        self.fails(rules.top_level(self.root), "misc")


class Readme(Tree):
    def setUp(self):
        super().setUp()
        self.put("README.md", "Run\n```sh\n$ ./go --fast   # quickly\n```\n```text\nnot a command\n```\n")
        self.put("scripts/test", "scripts/step\n")
        self.put("scripts/step", "./go --fast\n")

    def table(self, text):
        self.put(readme.TABLE, text)
        return readme.check(self.root, "")

    def test_a_command_nobody_runs_fails(self):
        self.fails(self.table(""), "`./go --fast`: nothing runs it")

    def test_a_command_with_a_true_cover_passes(self):
        self.assertEqual(self.table("./go --fast | script: scripts/step ./go --fast\n"), [])
        self.put("go", "#!/bin/sh\nexit 0\n", executable=True)
        self.assertEqual(self.table("./go --fast | here\n"), [])

    def test_a_false_cover_fails(self):
        self.fails(self.table("./go --fast | script: scripts/other ./go\n"), "does not call")
        self.fails(self.table("./go --fast | script: scripts/step ./went\n"), "does not contain")
        self.fails(self.table("./go --fast | somebody\n"), "neither")
        self.put("go", "#!/bin/sh\nexit 3\n", executable=True)
        self.fails(self.table("./go --fast | here\n"), "exit code 3")

    def test_a_row_for_a_command_that_is_gone_fails(self):
        self.put("README.md", "nothing\n")
        self.fails(self.table("./go --fast | script: scripts/step ./go --fast\n"), "not in README")


class ReadmeDrops(Tree):
    def setUp(self):
        super().setUp()
        self.put("tests/data/pipeline.dot", r'p [label="parse\n\ndrops bad_a\ndrops bad_b"];' + "\n")
        self.put("ctrl/api/commands/statistics.cpp", 'out["device_rx_errors"] = errors;\n')
        self.put("dataplane/xdp/verdicts.h", 'X(redirected, "on") \\\nX(dropped_unbound, "no socket")\n')
        self.table("| `bad_a` `bad_b` | why | do |\n| `device_rx_errors` | w | `else` |\n| `dropped_unbound` | w | d |\n")

    def table(self, rows):
        self.put("README.md", f"| other |\n|---|\n| `x` |\n\n| reason | why | what to do |\n|---|---|---|\n{rows}\n")
        return readme.check_drops(self.root)

    def test_a_table_of_every_drop_passes(self):
        self.assertEqual(readme.check_drops(self.root), [])

    def test_a_drop_that_is_not_told_fails(self):
        text = tree.read(self.root, "README.md")
        for name in ("bad_b", "device_rx_errors", "dropped_unbound"):
            with self.subTest(name):
                self.put("README.md", text.replace(f"`{name}`", ""))
                self.fails(readme.check_drops(self.root), f"`{name}`", "not in the table")

    def test_a_drop_that_nothing_counts_any_more_fails(self):
        self.put("tests/data/pipeline.dot", r'p [label="parse\n\ndrops bad_a"];' + "\n")
        self.fails(readme.check_drops(self.root), "nothing counts a drop `bad_b`")

    def test_no_table_and_no_names_fail(self):
        self.assertEqual(len(self.table("")), 4)
        for file in readme.DROPS:
            self.put(file, "\n")
        self.assertEqual(len(readme.check_drops(self.root)), 3)


class Tally(Tree):
    def count(self, *results):
        log = self.put("testlog.json", "".join(json.dumps({"name": f"t{i}", "result": r}) + "\n"
                                               for i, r in enumerate(results)))
        return tally.count(log)

    def test_results_are_summed(self):
        passed, failed, skipped, names = self.count("OK", "OK", "SKIP", "FAIL", "TIMEOUT", "ERROR", "INTERRUPT")
        self.assertEqual((passed, failed, skipped), (2, 4, 1))
        self.assertEqual(names, ["t3", "t4", "t5", "t6"])

    def test_an_unknown_result_is_a_failure(self):
        self.assertEqual(self.count("UNEXPECTEDPASS", "whatever")[1], 2)


class RunVerdict(unittest.TestCase):
    def good(self):
        return {"seconds": 5, "sent": 8, "delivered": 8, "lost": 0, "reordered": 0, "icrc_errors": 0,
                "drops": {"malformed": 0}, "paths": [{"name": f"f{i}", "packets": 2, "share": 0.25} for i in range(4)]}

    def test_a_good_run_passes(self):
        self.assertEqual(run_verdict.check(self.good()), [])

    def test_each_fault_fails(self):
        for change in ({"sent": 0, "delivered": 0}, {"delivered": 7}, {"lost": 1}, {"reordered": 1},
                       {"icrc_errors": 1}, {"drops": {"malformed": 1}}, {"paths": []}):
            with self.subTest(change=change):
                self.assertEqual(len(run_verdict.check(self.good() | change)), 1)
        run = self.good()
        run["paths"][2]["packets"] = 0
        self.assertEqual(len(run_verdict.check(run)), 1)


class Leftovers(Tree):
    def test_nothing_left_is_nothing_reported(self):
        before = leftovers.snapshot(self.root)
        self.assertEqual(leftovers.compare(before, before), [])

    def test_what_is_left_is_named(self):
        before = leftovers.snapshot(self.root)
        left = socket.socket(socket.AF_UNIX)
        left.bind(os.path.join(self.root, "left.sock"))
        sleeper = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE,
                                   env=dict(os.environ, **{leftovers.MARK: self.root}))
        try:
            # After exec the mark is in the process's environment; Popen returns only then.
            found = leftovers.compare(before, leftovers.snapshot(self.root))
        finally:
            left.close()
            sleeper.communicate(b"\n")
        self.assertEqual(len(found), 2, found)
        self.assertIn("left.sock", "".join(found))
        self.assertIn(str(sleeper.pid), "".join(found))

    @unittest.skipUnless(os.geteuid() == 0, "namespaces and links need root")
    def test_a_namespace_and_a_link_that_are_left_are_named(self):
        before = leftovers.snapshot(self.root)
        netns = f"braidway-self-{os.getpid()}"
        subprocess.run(["ip", "netns", "add", netns], check=True)
        try:
            link = f"bwself{os.getpid()}"[:15]
            subprocess.run(["ip", "link", "add", link, "type", "veth", "peer", "name", "veth0", "netns", netns],
                           check=True)
            found = "".join(leftovers.compare(before, leftovers.snapshot(self.root)))
        finally:
            subprocess.run(["ip", "netns", "del", netns], check=True)
        self.assertIn(netns, found)
        self.assertIn(link, found)


if __name__ == "__main__":
    unittest.main()
