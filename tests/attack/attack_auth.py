"""A1: PLAIN and its frame, who one claims to be, and what a stream may change between its
restarts."""
import time

from rawclient import (BIND, CLIENT, SASL, STREAM, Closed, Unexpected, header, name_of, ns_of,
                       to_base64)
from stage import (DOMAIN, OTHER_PASSWORD, PASSWORD, SECOND_DOMAIN, Attack, before_auth,
                   before_bind, before_header, failure, in_session, stanza_error, stream_error,
                   text_of)

ME = f"me@{DOMAIN}"
VICTIM = f"victim@{DOMAIN}"
MALFORMED = ("malformed-request", "not-authorized", "incorrect-encoding")
RETRIES_AT_LEAST, RETRIES_AT_MOST = 2, 5


def plain(authcid, password, authzid=""):
    return f"{authzid}\0{authcid}\0{password}".encode()


class A1Plain(Attack):
    def attempt(self, initial):
        with before_auth() as stream:
            return stream.say_auth("PLAIN", initial)

    def test_right(self):
        for authzid in ("", ME):
            answer = self.attempt(plain("me", PASSWORD, authzid))
            self.assertEqual(name_of(answer), "success", text_of(answer))

    def test_authzid(self):
        """Nobody is authorized as somebody else, however it is written."""
        for authzid in (VICTIM, "victim", f"{ME}/x", f"me@{SECOND_DOMAIN}", DOMAIN, "me",
                        f"{ME}\u0301", "@", f"{VICTIM}/{ME}", "x" * 1000):
            with self.subTest(authzid):
                answer = self.attempt(plain("me", PASSWORD, authzid))
                allowed = ("invalid-authzid",) if authzid in (VICTIM, f"me@{SECOND_DOMAIN}") \
                    else ("invalid-authzid", "malformed-request")
                self.assert_fails(answer, *allowed)

    def test_frame(self):
        secret = PASSWORD.encode()
        for initial in (b"", b"\0", b"\0\0", b"\0\0\0", b"me", b"\0me", b"me\0" + secret,
                        b"\0me\0" + secret + b"\0", b"\0\0me\0" + secret,
                        b"\0me\0\0" + secret, b"victim\0me\0" + secret + b"\0victim",
                        b"\0me\0", b"\0\0" + secret, b"\0me\0" + secret + b"\n",
                        b"\0me\xff\0" + secret, b"\0me\0\xc0\x80" + secret, b"\xed\xa0\x80\0me\0x",
                        b"\xef\xbb\xbf\0me\0" + secret):
            with self.subTest(initial):
                self.assert_fails(self.attempt(initial), *MALFORMED, "invalid-authzid")

    def test_empty_name(self):
        for authcid in ("", " ", "\u00ad", "@", "/", "me@", f"me@{DOMAIN}@", "me/x", "\u2028",
                        "a" * 1024, "<me>", "me\u0000"[:2] + "&", "'me'"):
            with self.subTest(authcid):
                self.assert_fails(self.attempt(plain(authcid, PASSWORD)), *MALFORMED)

    def test_prepared_name(self):
        """Names are compared as JIDs are, not as bytes."""
        for authcid in ("ME", "Me", "\uff2d\uff25"):
            with self.subTest(authcid):
                answer = self.attempt(plain(authcid, PASSWORD))
                self.assertEqual(name_of(answer), "success", text_of(answer))

    def test_long_password(self):
        """Over what an element may have before authentication: the stream ends; below: refused."""
        stream = before_auth()
        stream.pour(iter([f"<auth xmlns='{SASL}' mechanism='PLAIN'>",
                          *[to_base64(b"\0me\0" + b"p" * 3000)] * 350, "</auth>"]))
        self.assert_ends(stream, "policy-violation")
        for size in (1024, 3000, 6000, 11000):
            with self.subTest(size):
                self.assert_fails(self.attempt(plain("me", "p" * size)), *MALFORMED)

    def test_base64(self):
        good = to_base64(plain("me", PASSWORD))
        for text in (good[:8] + " " + good[8:], good[:8] + "\n" + good[8:], good + "=",
                     good.rstrip("=") + "x", good[:8] + "=" + good[8:], "====", "==", "a", "=a",
                     good + good, good.replace("A", "_"), "\u00e9" * 4, good + "\u200b", "-",
                     good[:-1] + "*", "AG1lAHJpZ2h0AB=="):
            with self.subTest(text), before_auth() as stream:
                stream.send(f"<auth xmlns='{SASL}' mechanism='PLAIN'>{text}</auth>")
                self.assert_fails(stream.next(), "incorrect-encoding", "malformed-request",
                                  "not-authorized")

    def test_base64_condition(self):
        """Bad base64 has a condition of its own (RFC 6120 6.5.5)."""
        for text in ("AG1l AHJpZ2h0", "AG1l=AHJpZ2h0", "A", "*AAA"):
            with self.subTest(text), before_auth() as stream:
                stream.send(f"<auth xmlns='{SASL}' mechanism='PLAIN'>{text}</auth>")
                self.assert_fails(stream.next(), "incorrect-encoding")

    def test_two_steps(self):
        """Without an initial response the server asks; "=" is the empty one."""
        with before_auth() as stream:
            self.assertEqual(name_of(stream.say_auth("PLAIN")), "challenge")
            answer = stream.say_response(plain("me", PASSWORD))
            self.assertEqual(name_of(answer), "success")
        self.assert_fails(self.attempt(b""), *MALFORMED)

    def test_mechanisms(self):
        for mechanism in ("", "plain", "PLAIN ", "EXTERNAL", "ANONYMOUS", "DIGEST-MD5", "CRAM-MD5",
                          "SCRAM-MD5", "SCRAM-SHA-1-PLUS", "X" * 1000, "PLAIN&#10;", "OAUTHBEARER"):
            with self.subTest(mechanism), before_auth() as stream:
                self.assert_fails(stream.say_auth(mechanism, plain("me", PASSWORD)),
                                  "invalid-mechanism")
        with before_auth() as stream:
            stream.send(f"<auth xmlns='{SASL}'>{to_base64(plain('me', PASSWORD))}</auth>")
            self.assert_fails(stream.next(), "invalid-mechanism", "malformed-request")

    def test_out_of_turn(self):
        with before_auth() as stream:
            self.assert_fails(stream.say_response(plain("me", PASSWORD)), *MALFORMED)
        with before_auth() as stream:
            stream.send(f"<abort xmlns='{SASL}'/>")
            self.assert_fails(stream.next(), "aborted")
        with before_auth() as stream:
            stream.say_auth("PLAIN")
            stream.send(f"<abort xmlns='{SASL}'/>")
            self.assert_fails(stream.next(), "aborted")
            self.assert_fails(stream.say_response(plain("me", PASSWORD)), *MALFORMED)

    def test_after_success(self):
        """Authentication is over when it is over."""
        stream = before_bind()
        stream.send(f"<auth xmlns='{SASL}' mechanism='PLAIN'>"
                    f"{to_base64(plain('victim', OTHER_PASSWORD))}</auth>")
        self.assert_ends(stream, "not-authorized", "unsupported-stanza-type", "policy-violation")
        stream = in_session()
        stream.send(f"<auth xmlns='{SASL}' mechanism='PLAIN'>"
                    f"{to_base64(plain('victim', OTHER_PASSWORD))}</auth>")
        self.assert_ends(stream, "not-authorized", "unsupported-stanza-type", "policy-violation")

    def test_stanza_inside(self):
        """Nothing else belongs into the conversation."""
        for text in ("<presence/>", "<a xmlns='urn:x'/>"):
            stream = before_auth()
            self.assertEqual(name_of(stream.say_auth("PLAIN")), "challenge")
            stream.send(text)
            self.assert_ends(stream, "not-authorized", "unsupported-stanza-type",
                             "policy-violation")

    def test_pipelined(self):
        """What was sent along with <auth/> is done only if that succeeds, and in order."""
        stream = before_auth()
        stream.send(f"<auth xmlns='{SASL}' mechanism='PLAIN'>"
                    f"{to_base64(plain('me', 'wrong'))}</auth>" + header().split("?>", 1)[1])
        self.assert_fails(stream.next(), "not-authorized")
        self.assert_ends(stream, "policy-violation", "not-authorized", "invalid-xml", "bad-format")


class A1Retries(Attack):
    def attempts(self, initial, mechanism="PLAIN"):
        """How many failures come before the stream ends, and with what it does."""
        with before_auth() as stream:
            for count in range(1, 20):
                try:
                    self.assertEqual(name_of(stream.say_auth(mechanism, initial)), "failure")
                    if not stream.is_silent(0.02):
                        return count, stream_error(stream)
                except (Closed, Unexpected) as ended:
                    return count, str(ended)
        return 20, "nothing"

    def test_bounded(self):
        for what, mechanism, initial in (("wrong password", "PLAIN", plain("me", "wrong")),
                                         ("unknown user", "PLAIN", plain("nobody", "wrong")),
                                         ("bad frame", "PLAIN", b"x"),
                                         ("bad mechanism", "X", b"x"),
                                         ("bad SCRAM", "SCRAM-SHA-1", b"x")):
            with self.subTest(what):
                count, condition = self.attempts(initial, mechanism)
                self.assertIn(condition, ("policy-violation", "not-authorized"))
                self.assertGreaterEqual(count, RETRIES_AT_LEAST)
                self.assertLessEqual(count, RETRIES_AT_MOST + 1)

    def test_success_after_failure(self):
        with before_auth() as stream:
            self.assertEqual(failure(stream.say_auth("PLAIN", plain("me", "wrong"))),
                             "not-authorized")
            self.assertEqual(name_of(stream.say_auth("PLAIN", plain("me", PASSWORD))), "success")

    def test_bind_retries(self):
        """Attempts to bind are bounded as well."""
        stream = before_bind()
        for _ in range(20):
            stream.send(f"<iq type='set' id='b'><bind xmlns='{BIND}'><resource>{'r' * 1100}"
                        "</resource></bind></iq>")
            got = stream.next()
            if ns_of(got) == STREAM:
                stream.queue.insert(0, got)
                self.assert_ends(stream, "policy-violation")
                return
            self.assertEqual(stanza_error(got), ("bad-request", "modify"))
        self.fail("bind may be tried for ever")


class A1Identity(Attack):
    def test_from(self):
        """A stanza from somebody else ends the stream, and nobody sees it."""
        with in_session(name="victim", password=OTHER_PASSWORD) as victim:
            for sender in (VICTIM, victim.jid, f"{ME}/other", DOMAIN, f"me@{SECOND_DOMAIN}", "",
                           "@", f"{VICTIM}/x", "me", f"x{ME}"):
                for form in ("<message from='{0}' to='{1}'><body>x</body></message>",
                             "<presence from='{0}' to='{1}'/>",
                             "<iq from='{0}' to='{1}' type='get' id='1'><a xmlns='u'/></iq>"):
                    with self.subTest(form, sender=sender):
                        stream = in_session(resource="r")
                        stream.send(form.format(sender, victim.jid))
                        self.assert_ends(stream, "invalid-from")
            self.assertTrue(victim.is_silent(0.1))

    def test_own_from(self):
        """One's own address may stand there, in any spelling; the full one is stamped."""
        with in_session(resource="r") as stream:
            for sender in (ME, f"{ME}/r", f"ME@{DOMAIN.upper()}", f"Me@{DOMAIN}/r"):
                with self.subTest(sender):
                    stream.send(f"<message from='{sender}' to='{stream.jid}'/>")
                    self.assertEqual(stream.next().get("from"), f"{ME}/r")

    def test_bind_others(self):
        """Bind gives the own bare JID, whatever is asked for and around it."""
        for around, inside in (("", f"<resource>{VICTIM}/x</resource>"),
                               ("", f"<jid>{VICTIM}/x</jid>"),
                               (f" to='{VICTIM}'", "<resource>x</resource>"),
                               ("", "<resource>a</resource><resource>b</resource>"),
                               ("", f"<resource xmlns='urn:x'>{VICTIM}</resource>")):
            with self.subTest(inside, around=around), before_bind() as stream:
                stream.send(f"<iq type='set' id='b'{around}><bind xmlns='{BIND}'>{inside}</bind>"
                            "</iq>")
                got = stream.next()
                if got.get("type") == "result":
                    jid = got.find(f"{{{BIND}}}bind/{{{BIND}}}jid").text
                    self.assertTrue(jid.startswith(f"{ME}/"), jid)
                else:
                    self.assertIn(stanza_error(got)[0], ("bad-request", "not-allowed"))

    def test_bind_from_others(self):
        """`from` in the bind request is not a way to be somebody else either."""
        with before_bind() as stream:
            stream.send(f"<iq type='set' id='b' from='{VICTIM}'><bind xmlns='{BIND}'/></iq>")
            got = stream.next()
            if ns_of(got) == STREAM:
                return
            if got.get("type") == "result":
                self.assertTrue(got[0][0].text.startswith(f"{ME}/"))

    def test_bad_resources(self):
        for resource in ("r" * 1024, "&#x2028;", "&#x200E;", "\ue000", "&#x7f;"):
            with self.subTest(resource), before_bind() as stream:
                stream.send(f"<iq type='set' id='b'><bind xmlns='{BIND}'><resource>{resource}"
                            "</resource></bind></iq>")
                self.assertEqual(stanza_error(stream.next()), ("bad-request", "modify"))

    def test_empty_resource(self):
        """Asked for, but empty: bad-request (RFC 6120 7.7.2.1)."""
        for inside in ("<resource/>", "<resource></resource>"):
            with self.subTest(inside), before_bind() as stream:
                stream.send(f"<iq type='set' id='b'><bind xmlns='{BIND}'>{inside}</bind></iq>")
                self.assertEqual(stanza_error(stream.next()), ("bad-request", "modify"))

    def test_bind_twice(self):
        with in_session(resource="r") as stream:
            stream.send(f"<iq type='set' id='b'><bind xmlns='{BIND}'><resource>again</resource>"
                        "</bind></iq>")
            self.assertEqual(stanza_error(stream.next()), ("not-allowed", "cancel"))

    def test_bind_twice_at_once(self):
        """Between bind and session as well."""
        with before_bind() as stream:
            bind = f"<iq type='set' id='b'><bind xmlns='{BIND}'><resource>{{}}</resource></bind>" \
                   "</iq>"
            stream.send(bind.format("one") + bind.format("two"))
            self.assertEqual(stream.next()[0][0].text, f"{ME}/one")
            self.assertEqual(stanza_error(stream.next()), ("not-allowed", "cancel"))

    def test_conflict(self):
        """The older session with the same full JID makes room."""
        older = in_session(resource="same")
        with in_session(resource="same") as newer:
            self.assert_ends(older, "conflict")
            newer.ping()

    def test_conflict_is_own(self):
        """Nobody can throw out another user's session by its resource."""
        with in_session(resource="same") as mine, \
                in_session(name="victim", password=OTHER_PASSWORD, resource="same"):
            mine.ping()


class A1Restarts(Attack):
    def test_host_changes(self):
        """Authenticated at one domain, opened again at another."""
        for to in (SECOND_DOMAIN, "nowhere.example"):
            with self.subTest(to):
                stream = before_auth()
                stream.authenticate("SCRAM-SHA-1", "me", PASSWORD)
                stream.new_parser()
                stream.send(header(to=to))
                self.assert_ends(stream, "host-unknown", "not-authorized", "invalid-from",
                                 "improper-addressing", "policy-violation")

    def test_host_changes_before(self):
        """Between the header in the clear and the one in TLS: then the second one counts."""
        with before_header("starttls") as stream:
            stream.open(to=SECOND_DOMAIN)
            stream.start_tls()
            stream.open(to=DOMAIN)
            answer = stream.say_auth("PLAIN", plain("me", OTHER_PASSWORD))
            self.assert_fails(answer, "not-authorized")
            stream.authenticate("PLAIN", "me", PASSWORD)
            stream.open()
            self.assertTrue(stream.bind().startswith(f"{ME}/"))

    def test_from_in_header(self):
        for sender in (VICTIM, f"me@{SECOND_DOMAIN}", DOMAIN, "@"):
            with self.subTest(sender):
                stream = before_auth()
                stream.authenticate("SCRAM-SHA-1", "me", PASSWORD)
                stream.new_parser()
                stream.send(header(**{"from": sender}))
                self.assert_ends(stream, "invalid-from")

    def test_stanza_instead_of_header(self):
        """After success a new stream begins; without its header nothing is done."""
        stream = before_auth()
        stream.authenticate("SCRAM-SHA-1", "me", PASSWORD)
        stream.new_parser()
        stream.send(f"<iq xmlns='{CLIENT}' type='set' id='b'><bind xmlns='{BIND}'/></iq>")
        self.assert_ends(stream, "bad-format", "not-well-formed", "invalid-namespace",
                         "not-authorized")

    def test_no_mechanisms_after(self):
        """Features after authentication offer none of it."""
        stream = before_auth()
        stream.authenticate("SCRAM-SHA-1", "me", PASSWORD)
        names = {name_of(child) for child in stream.open()}
        stream.close()
        self.assertNotIn("mechanisms", names)
        self.assertNotIn("starttls", names)
        self.assertIn("bind", names)

    def test_in_the_clear(self):
        """Where TLS is required or a password would be readable, no authentication is offered."""
        for kind, required in (("starttls", True), ("required", True)):
            stream = before_header(kind)
            features = stream.open()
            self.assertNotIn("mechanisms", {name_of(child) for child in features})
            self.assertEqual(len(features[0]) == 1, required)
            stream.send(f"<auth xmlns='{SASL}' mechanism='PLAIN'>"
                        f"{to_base64(plain('me', PASSWORD))}</auth>")
            got = stream.next()
            if ns_of(got) == SASL:
                self.assertIn(failure(got), ("encryption-required", "mechanism-too-weak"))
                stream.close()
            else:
                stream.queue.insert(0, got)
                self.assert_ends(stream, "policy-violation", "not-authorized")


class A1Time(Attack):
    TRIES = 12

    def seconds(self, name):
        """The least that a failed attempt takes."""
        best = 60.0
        for _ in range(self.TRIES):
            with before_auth() as stream:
                begin = time.monotonic()
                failure(stream.say_auth("PLAIN", plain(name, "wrong")))
                best = min(best, time.monotonic() - begin)
        return best

    def test_unknown_user(self):
        """A password costs the same whether there is such a user or not."""
        known, unknown = self.seconds("me"), self.seconds("nobody")
        print(f"attack: wrong password {known * 1000:.2f} ms, unknown user {unknown * 1000:.2f} "
              "ms", flush=True)
        self.assertLess(max(known, unknown), 2.5 * min(known, unknown))

    def test_same_bytes(self):
        answers = []
        for name in ("me", "nobody", "victim"):
            with before_auth() as stream:
                answers.append(text_of(stream.say_auth("PLAIN", plain(name, "wrong"))))
        self.assertEqual(len(set(answers)), 1, answers)
