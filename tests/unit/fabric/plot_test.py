"""The plots of scenario periodic are drawn from what the simulator writes.   plot_test.py PLOT_SCRIPT"""
import os
import stat
import subprocess
import sys
import tempfile
import unittest

SCRIPT = sys.argv.pop()

# Stands for the simulator: two paths of which one is used by others, 60 ms in ticks of 0.1 ms.
PROGRAM = """#!/usr/bin/python3
import sys
where = sys.argv[sys.argv.index("--foresight-out") + 1]
oracle = sys.argv[sys.argv.index("--schemes") + 1].endswith("+oracle")
with open(where, "w", encoding="utf-8") as file:
    for tick in range(600):
        for path in (0, 1):
            truth = 0.8 if path == 0 and tick % 50 < 15 else 0
            told = -1 if oracle or tick % 5 else truth
            print(tick * 100_000, 1, path, truth, told, told, 1 - truth, file=file)
sys.exit(1)
"""


class Plots(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.program = os.path.join(self.folder, "program")
        with open(self.program, "w", encoding="utf-8") as file:
            file.write(PROGRAM)
        os.chmod(self.program, stat.S_IRWXU)

    def draw(self, *options):
        plots = os.path.join(self.folder, "plots")
        done = subprocess.run([sys.executable, SCRIPT, self.program, plots, "--scenario", "periodic", *options],
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        for name in os.listdir(plots):
            with open(os.path.join(plots, name), "rb") as file:
                self.assertEqual(file.read(8), b"\x89PNG\r\n\x1a\n", name)
        return sorted(os.listdir(plots))

    def test_forecast_and_weights_of_each_scheme_with_foresight(self):
        self.assertEqual(self.draw("--schemes", "auto,auto+forecast,auto+oracle"),
                         ["forecast-auto+forecast.png", "weights-auto+forecast.png", "weights-auto+oracle.png"])

    def test_by_default_of_all_that_the_scenario_compares(self):
        self.assertEqual(len(self.draw()), 6)


if __name__ == "__main__":
    unittest.main()
