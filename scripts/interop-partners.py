"""Consumes public events of a real Souk with libraries that are not Souk's; see interop-partners."""

import http.server
import json
import os
import queue
import socket
import subprocess
import sys
import threading
import time
import uuid

import httpx
import httpx_sse
import jsonschema
import requests
import sseclient
from cloudevents.core.bindings.http import HTTPMessage, from_http_event
from cloudevents.core.formats.json import JSONFormat
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

SOUK, WORK = sys.argv[1], sys.argv[2]


def check(holds, what):
    if not holds:
        raise SystemExit(f"interop-partners: FAILED: {what}")


class Souk:
    """A Souk on a folder of its own."""

    def __init__(self, name, **settings):
        self.home = os.path.join(WORK, name)
        os.makedirs(self.home)
        env = dict(os.environ, SOUK_RATE_LIMITS="off", SOUK_PARTNERS__WEBHOOKS_ANYWHERE="true",
                   SOUK_PARTNERS__WEBHOOK_RETRY_SECONDS="[1,1,1]", **settings)
        self.log = open(os.path.join(self.home, "souk.log"), "wb")
        self.process = subprocess.Popen([SOUK, "serve", "--data-dir", self.home, "--listen", "127.0.0.1:0"], env=env,
                                        stdout=subprocess.PIPE, stderr=self.log, text=True)
        line = self.process.stdout.readline()
        bases = [word for word in line.split() if word.startswith("http://")]
        check(bases, f"souk does not start: {line!r}\n{open(self.log.name).read()[-2000:]}")
        self.base = bases[0].rstrip("/")
        self.api = self.base + "/api/v1"
        email = "ada@example.com"
        self.call("post", "/auth/register", None, email=email, password="correct horse battery", displayName="Ada")
        subprocess.run([SOUK, "--data-dir", self.home, "admin", "grant", email, "admin"], check=True,
                       stdout=subprocess.DEVNULL, env=env)
        login = self.call("post", "/auth/login", None, email=email, password="correct horse battery")
        self.admin = login["accessToken"]
        vendor = self.call("post", "/vendors", self.admin, name="Acme", slug="acme")
        self.call("post", f"/vendors/{vendor['id']}/verify", self.admin)

    def call(self, method, path, token, **body):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        answer = requests.request(method, self.api + path, json=body or None, headers=headers, timeout=60)
        check(answer.ok, f"{method} {path}: {answer.status_code} {answer.text}")
        return answer.json() if answer.content else None

    def partner(self):
        made = self.call("post", "/admin/partners", self.admin, name="Mirrors", scopes={"types": ["*"]})
        return self.call("post", f"/admin/partners/{made['id']}/keys", self.admin, label="interop")["key"]

    def plugins(self, count):
        for _ in range(count):
            self.call("post", "/plugins", self.admin, name=f"p-{uuid.uuid4().hex[:12]}", displayName="Ä plugin: “quoted”\u2028and more",
                      kind="skill", summary="Reads logs.", description="It reads logs.", category="observability",
                      tags=["logs"], license="MIT", pricing={"model": "free"})

    def pages(self, key):
        after, found = 0, []
        while True:
            page = self.call("get", f"/events?limit=7&after={after}", key)
            found += page["items"]
            after = page["nextAfter"]
            if page["end"]:
                return found

    def stop(self):
        self.process.terminate()
        check(self.process.wait(60) == 0, "souk did not end in order")


class Cutter(threading.Thread):
    """A line to Souk that is cut after so many bytes of an answer."""

    def __init__(self, base):
        super().__init__(daemon=True)
        self.target = base.removeprefix("http://").split(":")
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.base = "http://127.0.0.1:%d/api/v1" % self.listener.getsockname()[1]
        self.after = 1 << 60
        self.start()

    def run(self):
        while True:
            client, _ = self.listener.accept()
            server = socket.create_connection((self.target[0], int(self.target[1])))
            threading.Thread(target=self.pump, args=(client, server, 1 << 60), daemon=True).start()
            threading.Thread(target=self.pump, args=(server, client, self.after), daemon=True).start()

    @staticmethod
    def pump(source, sink, left):
        try:
            while left > 0 and (data := source.recv(min(left, 65536))):
                sink.sendall(data)
                left -= len(data)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def with_sseclient(base, key, last):
    headers = {"Authorization": f"Bearer {key}", "Accept": "text/event-stream"}
    if last:
        headers["Last-Event-ID"] = last
    with requests.get(base + "/events/stream?after=0", headers=headers, stream=True, timeout=10) as answer:
        answer.raise_for_status()
        for event in sseclient.SSEClient(answer).events():
            yield event.id, event.event, event.data


def with_httpx(base, key, last):
    headers = {"Authorization": f"Bearer {key}"}
    if last:
        headers["Last-Event-ID"] = last
    with httpx.Client(timeout=10) as client:
        with httpx_sse.connect_sse(client, "GET", base + "/events/stream?after=0", headers=headers) as source:
            source.response.raise_for_status()
            for event in source.iter_sse():
                if event.data:
                    yield event.id, event.event, event.data


def consume(name, follow, souk, cutter, key, expected):
    """Follows through a line that is cut ever later, until everything was taken."""
    taken, last, cuts, after = [], None, 0, 200
    while len(taken) < len(expected):
        cutter.after = after
        try:
            for event_id, event_type, data in follow(cutter.base, key, last):
                event = JSONFormat().read(None, data)
                check(event.get_type() == event_type and event.get_extension("sequence") == event_id, f"{name}: {data}")
                taken.append(event.get_id())
                last = event_id
                if len(taken) == len(expected):
                    break
        except (requests.exceptions.RequestException, httpx.HTTPError):
            pass
        cuts += 1
        after += 137 if after < 4000 else 1500
        check(cuts < 500, f"{name}: {len(taken)} of {len(expected)} events after {cuts} cuts")
    check(taken == [event["id"] for event in expected], f"{name}: lost, repeated or out of order")
    print(f"{name}: {len(taken)} events, the line was cut {cuts - 1} times, none lost, none repeated")


def with_schemas(souk, expected):
    schemas = {}
    for event in expected:
        path = event["dataschema"].removeprefix("/api/v1")
        if path not in schemas:
            schemas[path] = jsonschema.Draft202012Validator(souk.call("get", path, None))
            schemas[path].check_schema(schemas[path].schema)
        schemas[path].validate(event["data"])
    print(f"jsonschema: {len(expected)} events fit {len(schemas)} schemas")


def webhooks(souk, key):
    calls = queue.Queue()

    class Hook(http.server.BaseHTTPRequestHandler):
        failures = 2

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = 204
            if Hook.failures:
                Hook.failures -= 1
                status = 503
            calls.put((status, dict(self.headers), body))
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = "http://127.0.0.1:%d/hook" % server.server_port
    made = souk.call("post", "/partners/me/webhooks", key, url=url, types=["plugin.*"], after=0)
    expected = [event["id"] for event in souk.pages(key) if event["type"].startswith("souk.plugin.")]
    verifier, taken = Webhook(made["secret"]), []
    while len(taken) < len(expected):
        status, headers, body = calls.get(timeout=60)
        headers = {name.lower(): value for name, value in headers.items()}
        payload = verifier.verify(body, headers)
        check(payload["type"].startswith("souk.plugin."), payload)
        event = from_http_event(HTTPMessage(headers={"content-type": "application/cloudevents+json"}, body=body))
        check(event.get_id() == headers["webhook-id"] and event.get_data() == payload["data"], "it is another event")
        if status == 204:
            taken.append(headers["webhook-id"])
        for spoiled in (body + b" ", body.replace(b"plugin", b"plagin", 1)):
            try:
                verifier.verify(spoiled, headers)
                check(False, "a changed body was verified")
            except WebhookVerificationError:
                pass
    check(taken == expected, "webhooks: lost, repeated or out of order")
    rotated = souk.call("post", f"/partners/me/webhooks/{made['id']}/rotate", key, overlapSeconds=600)
    souk.call("post", f"/partners/me/webhooks/{made['id']}/test", key)
    _, headers, body = calls.get(timeout=60)
    for secret in (made["secret"], rotated["secret"]):
        Webhook(secret).verify(body, {name.lower(): value for name, value in headers.items()})
    server.shutdown()
    print(f"standardwebhooks: {len(taken)} webhooks in order after 2 failures, every signature verified, changed ones refused, "
          "both secrets verify while one takes over")


def kafka(brokers):
    from cloudevents.core.bindings.kafka import KafkaMessage, from_binary_event
    from confluent_kafka import Consumer

    souk = Souk("kafka", SOUK_EVENTS__FEED="kafka", SOUK_KAFKA__BROKERS=brokers, SOUK_KAFKA__TOPIC="interop.events",
                SOUK_KAFKA__PUBLIC_TOPIC="souk.public")
    try:
        key = souk.partner()
        souk.plugins(20)
        expected = {event["id"]: event for event in souk.pages(key)}
        consumer = Consumer({"bootstrap.servers": brokers, "group.id": "interop", "auto.offset.reset": "earliest",
                             "isolation.level": "read_committed"})
        consumer.subscribe(["souk.public"])
        taken, until = [], time.monotonic() + 120
        while len(taken) < len(expected) and time.monotonic() < until:
            record = consumer.poll(1.0)
            if record is None or record.error():
                continue
            event = from_binary_event(KafkaMessage(headers=dict(record.headers()), key=record.key(), value=record.value()))
            known = expected[event.get_id()]
            check(event.get_data() == known["data"] and event.get_type() == known["type"], known)
            check(event.get_extension("sequence") == known["sequence"], known)
            taken.append(event.get_id())
        consumer.close()
        check(sorted(taken) == sorted(expected), f"kafka: {len(taken)} of {len(expected)}, or repeated")
        print(f"confluent-kafka: {len(taken)} events as CloudEvents in binary mode, none lost, none repeated")
    finally:
        souk.stop()


souk = Souk("souk")
try:
    key = souk.partner()
    souk.plugins(60)
    expected = souk.pages(key)
    with_schemas(souk, expected)
    cutter = Cutter(souk.base)
    consume("sseclient-py", with_sseclient, souk, cutter, key, expected)
    consume("httpx-sse", with_httpx, souk, cutter, key, expected)
    webhooks(souk, key)
finally:
    souk.stop()
if os.environ.get("SOUK_KAFKA__BROKERS"):
    kafka(os.environ.pop("SOUK_KAFKA__BROKERS"))
else:
    print("confluent-kafka: SKIPPED: SOUK_KAFKA__BROKERS names no broker")
