#!/usr/bin/env python3
"""Whatever is done to the API socket, the daemon goes on forwarding, answers afterwards, and ends quickly.

abuse_test.py BRAIDWAY BRAIDWAYCTL
"""
import random
import socket
import threading

from harness import Api, Case, main, settings, taps
from traffic import Interface, collect, flows, frame

HANGING = 50


class Abuse(Case):
    def setUp(self):
        super().setUp()
        self.gateway = self.daemon(settings(taps(1)))
        self.host, self.fabric = Interface("host0"), Interface("fabric0")
        self.addCleanup(self.host.close)
        self.addCleanup(self.fabric.close)

    def connection(self):
        client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.addCleanup(client.close)
        client.connect(self.gateway.socket)
        client.settimeout(10)
        return client

    def assert_forwards(self):
        frames = [frame(flow, 1) for flow in flows(50)]
        self.host.send(frames)
        self.assertEqual(collect([self.fabric], len(frames))["fabric0"], frames)

    def assert_answers(self):
        self.assertTrue(self.gateway.api().get("show/ports"))

    def assert_fine(self):
        self.assert_forwards()
        self.assert_answers()
        self.assert_ends(self.gateway)

    def send_all(self, data):
        """What comes back before the daemon closes, or nothing."""
        client = self.connection()
        try:
            client.sendall(data)
            client.shutdown(socket.SHUT_WR)
            return client.recv(65536)
        except OSError:
            return b""
        finally:
            client.close()

    def test_bytes_that_are_no_request(self):
        dice = random.Random(7)
        for size in (0, 1, 10, 1000, 100_000):
            self.send_all(dice.randbytes(size))
        for text in (b"\r\n" * 50, b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\0" * 3000, b"GET " + b"a" * 100_000,
                     b"POST /v1/set/weight HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
                     b"POST /v1/set/weight HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\nx",
                     b"POST /v1/set/weight HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nx",
                     b"POST /v1/set/weight HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\nx\r\n0\r\n\r\n",
                     b"GET /v1/show/ports HTTP/1.1\r\nRange: bytes=9-1,-,x\r\n\r\n",
                     b"GET /v1/explain?src=%zz&dst=%00&qpn=% HTTP/1.1\r\n\r\n",
                     b"GET /v1/show/ports HTTP/1.1\r\n" + b"X: y\r\n" * 20_000 + b"\r\n",
                     b"POST /v1/set/weight HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=\r\n"
                     b"Content-Length: 4\r\n\r\n----",
                     b"POST /v1/set/weight HTTP/1.1\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nzzzz"):
            self.send_all(text)
        self.assert_fine()

    def test_requests_that_are_too_large(self):
        for size in (70_000, 10_000_000):
            body = b"path=" + b"a" * size
            head = b"POST /v1/set/weight HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\n" \
                   b"Content-Length: %d\r\n\r\n" % len(body)
            answer = self.send_all(head + body)
            self.assertNotIn(b" 200 ", answer[:20])
        self.assert_fine()

    def test_routes_and_arguments_that_do_not_exist(self):
        for method, route, arguments, status in (
                ("GET", "", {}, 404), ("GET", "show/everything", {}, 404), ("GET", "../../etc/passwd", {}, 404),
                ("POST", "show/ports", {}, 404), ("GET", "set/weight", {"path": "fabric0", "weight": 1}, 404),
                ("DELETE", "show/ports", {}, 404), ("PUT", "set/weight", {}, 404),
                ("POST", "set/weight", {}, 400), ("POST", "set/weight", {"path": "fabric0"}, 400),
                ("POST", "set/weight", {"path": "fabric0", "weight": "many"}, 400),
                ("POST", "set/weight", {"path": "fabric0", "weight": "[1]"}, 400),
                ("POST", "set/weight", {"path": "fabric0", "weight": 1, "more": 1}, 400),
                ("POST", "set/weight", {"path": b"\xff\xfe", "weight": 1}, 400),
                ("POST", "capture/start", {"port": "host0"}, 400), ("POST", "capture/stop", {"port": 7}, 400),
                ("GET", "explain", {}, 400), ("GET", "explain", {"src": 1, "dst": 2, "qpn": 3}, 400),
                ("GET", "show/ports", {"color": "red"}, 400)):
            with self.subTest(method=method, route=route, arguments=arguments):
                got, answer = self.gateway.api().ask(method, route, **arguments)
                self.assertEqual(got, status, answer)
                self.assertTrue(answer["error"])
        api = self.gateway.api()
        api.request("POST", "/v1/set/weight", '{"path": "fabric0", "weight": 5}', {"Content-Type": "application/json"})
        answer = api.getresponse()
        self.assertEqual(answer.status, 400)
        self.assertEqual(self.gateway.api().paths()["fabric0"]["weight"], 1)
        self.assert_fine()

    def test_connections_left_hanging(self):
        for _ in range(HANGING):
            self.connection()
        self.assert_forwards()
        self.assert_answers()
        for _ in range(HANGING):
            self.connection().sendall(b"GET /v1/show")
        self.assert_forwards()
        self.assert_ends(self.gateway)

    def test_a_request_that_never_ends(self):
        """Eight clients that send a byte now and then for ever hold up neither frames nor the end."""
        stop = threading.Event()

        def drip(client):
            try:
                client.sendall(b"GET /v1/show/ports HTTP/1.1\r\nX: ")
                while not stop.wait(0.2):
                    client.sendall(b"y")
            except OSError:
                pass

        threads = [threading.Thread(target=drip, args=[self.connection()]) for _ in range(8)]
        for each in threads:
            each.start()
        try:
            self.assert_forwards()
            self.assert_ends(self.gateway)
        finally:
            stop.set()
            for each in threads:
                each.join()

    def test_answers_that_nobody_reads(self):
        clients = [self.connection() for _ in range(8)]
        request = b"GET /v1/show/config HTTP/1.1\r\nHost: x\r\n\r\n"
        for client in clients:
            client.setblocking(False)
            try:
                for _ in range(5000):
                    client.sendall(request)
            except OSError:
                pass  # full: the daemon reads no more, since nobody reads what it answers
        self.assert_forwards()
        self.assert_ends(self.gateway)

    def test_clients_that_hang_up_in_the_middle(self):
        for _ in range(200):
            client = self.connection()
            client.sendall(b"GET /v1/show/config HTTP/1.1\r\nHost: x\r\n\r\n" * 20)
            client.close()
        self.assert_fine()

    def test_many_clients_at_once(self):
        failures = []

        def ask():
            try:
                for weight in range(1, 21):
                    with_one = Api(self.gateway.socket)
                    with_one.post("set/weight", path="fabric0", weight=weight)
                    with_one.get("show/paths")
                    with_one.close()
            except Exception as error:  # whatever it is, the test's thread must hear of it
                failures.append(error)

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for each in threads:
            each.start()
        self.assert_forwards()
        for each in threads:
            each.join()
        self.assertEqual(failures, [])
        self.assert_fine()


if __name__ == "__main__":
    main()
