#!/usr/bin/env python3
"""The JSON Schema and the decoder agree: on every example, and on every refused configuration that a schema can see.

usage: schema_test.py CHECK_FILE SCHEMA EXAMPLES_DIR BASE REFUSED
CHECK_FILE is the program that says of files what load_config() says of them.
"""

import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

import jsonschema
import yaml

CHECK_FILE, SCHEMA, EXAMPLES, BASE, REFUSED = sys.argv[1:6]


class Yaml12(yaml.SafeLoader):
    """YAML 1.2's core schema, as editors and our decoder read it: off is a word, 1:20 is no number."""


Yaml12.yaml_implicit_resolvers = {}
for tag, pattern, first in [
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", "-+.0123456789"),
]:
    Yaml12.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(f"^(?:{pattern})$"), list(first))


def parser_accepts(text):
    with tempfile.NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        done = subprocess.run([CHECK_FILE, file.name], capture_output=True, text=True, timeout=60)
    if done.returncode not in (0, 2):
        raise AssertionError(f"exit code {done.returncode}: {done.stdout}{done.stderr}")
    return done.returncode == 0


class SchemaTest(unittest.TestCase):
    def setUp(self):
        schema = json.loads(pathlib.Path(SCHEMA).read_text())
        jsonschema.Draft202012Validator.check_schema(schema)
        self.validator = jsonschema.Draft202012Validator(schema)
        self.base = pathlib.Path(BASE).read_text()

    def schema_accepts(self, text):
        return self.validator.is_valid(yaml.load(text, Yaml12))

    def test_every_example_is_right_to_both(self):
        examples = sorted(pathlib.Path(EXAMPLES).glob("*.yaml"))
        self.assertGreaterEqual({e.name for e in examples},
                                {"wire.yaml", "wire-tap.yaml", "wire-af-xdp.yaml", "wire-vhost.yaml"})
        for example in examples:
            with self.subTest(example.name):
                text = example.read_text()
                self.assertTrue(parser_accepts(text))
                self.assertEqual([], [e.message for e in self.validator.iter_errors(yaml.load(text, Yaml12))])
                # Tools of YAML 1.1 read the same values out of it.
                self.assertEqual(yaml.load(text, Yaml12), yaml.safe_load(text))

    def test_the_base_of_the_refused_is_right_to_both(self):
        self.assertTrue(parser_accepts(self.base))
        self.assertTrue(self.schema_accepts(self.base))

    def test_what_a_schema_can_see_is_refused_by_both(self):
        refused_by_both = 0
        for case in yaml.safe_load(pathlib.Path(REFUSED).read_text()):
            text = self.base.replace(case["replace"], case["by"]) if "replace" in case else case["by"]
            with self.subTest(case["promise"]):
                self.assertFalse(parser_accepts(text))
                self.assertIn(case["schema"], ("refuses", "accepts", "unread"))
                if case["schema"] != "unread":
                    self.assertEqual(case["schema"] == "accepts", self.schema_accepts(text))
                    refused_by_both += case["schema"] == "refuses"
        self.assertGreater(refused_by_both, 50)

    def test_more_paths_and_ports_than_there_can_be_are_refused_by_both(self):
        for paths, right in ((256, True), (257, False)):
            config = yaml.safe_load(self.base)
            config["ports"] = [{"name": "host0", "role": "host"}]
            config["ports"] += [{"name": f"f{i}", "role": "fabric"} for i in range(paths)]
            config["peers"][0]["paths"] = [{"port": f"f{i}"} for i in range(paths)]
            text = yaml.safe_dump(config)
            with self.subTest(paths=paths):
                self.assertEqual(right, parser_accepts(text))
                self.assertEqual(right, self.schema_accepts(text))

    def test_device_words_are_read_alike(self):
        words = {
            "0000:3b:00.0": True, "3b:00.1": True, "00000001:3B:1f.7": True, "0000:3b:00.0,dv_flow_en=1": True,
            "0000:3b:20.0": False, "0000:3b:00.8": False, "000:3b:00.0": False, "3b:00": False, "0000:3b:00.0,a b": False,
            "tap:h0": True, "tap:": False, "tap:" + "i" * 15: True, "tap:" + "i" * 16: False, "tap:a b": False,
            "af_packet:eth0.100": True, "af_xdp:enp1s0f0np0": True, "af_xdp:a/b": False, "af_xdp:a:b": False,
            "vhost:/run/x.sock": True, "vhost:" + "s" * 107: True, "vhost:" + "s" * 108: False, "vhost:/a[0]": False,
            "virtio_user:x": True, "memif:/run/m.sock": True, "memif:/run/m.sock,client": True,
            "memif:/run/m.sock,server": False, "memif:,client": False, "pcap:in.pcap": True, "pcap:": False,
            "ring:r0": True, "ring:r": True, "ring:123456789": False, "ring:a/b": False,
            "net_null0": True, "net_pcap0,rx_pcap=/x,infinite_rx=1": True, "net_": False, "net_a b": False,
            "net_null0,size=6 4": False, "eth0": False, "tpa:x": False, "tap": False, "": False,
        }
        for word, right in words.items():
            config = yaml.safe_load(self.base)
            config["ports"][0]["device"] = word
            text = json.dumps(config)
            with self.subTest(word):
                self.assertEqual(right, parser_accepts(text))
                self.assertEqual(right, self.schema_accepts(text))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
