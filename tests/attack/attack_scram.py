"""A2: SCRAM with every part bent, repeated or left out; and that nobody can tell from it which
users there are. Channel binding has attack_plus.py."""
import base64
import collections
import re

import stage
from rawclient import SASL, Scram, Stream, header, name_of, ns_of, to_base64
from stage import (DOMAIN, PASSWORD, Attack, before_auth, failure, stream_error, text_of)

DIGESTS = ("SHA-1", "SHA-256", "SHA-512")
FORM = ("malformed-request", "not-authorized")
ITERATIONS_AT_LEAST = 4096


def challenge_of(stream, scram, mechanism="SCRAM-SHA-1"):
    """Sends the first message; gives the decoded challenge."""
    answer = stream.say_auth(mechanism, scram.first())
    if name_of(answer) != "challenge":
        raise AssertionError(text_of(answer))
    return base64.b64decode(answer.text)


def fields_of(challenge):
    return dict(part.split("=", 1) for part in challenge.decode().split(","))


class A2First(Attack):
    """Client's first messages."""

    def answer(self, first, mechanism="SCRAM-SHA-1"):
        with before_auth() as stream:
            return stream.say_auth(mechanism, first.encode() if isinstance(first, str) else first)

    def test_right(self):
        for digest in DIGESTS:
            for gs2 in ("n,,", f"n,a=me@{DOMAIN},", "y,,"):
                with self.subTest(digest, gs2=gs2), before_auth() as stream:
                    scram = Scram(digest, "me", PASSWORD, gs2)
                    challenge = challenge_of(stream, scram, "SCRAM-" + digest)
                    answer = stream.say_response(scram.final(challenge))
                    self.assertEqual(name_of(answer), "success", text_of(answer))
                    self.assertEqual(base64.b64decode(answer.text), scram.verifier())

    def test_form(self):
        for first in ("", ",", ",,", "n", "n,", "n,,", "n,,n=me", "n,,n=me,", "n,,n=me,r=",
                      "n,,r=abc,n=me", "n,,n=,r=abc", "n,,r=abc", "n,n=me,r=abc", "x,,n=me,r=abc",
                      "N,,n=me,r=abc", "n,x=y,n=me,r=abc", "n,a,n=me,r=abc", "n,a=,n=me,r=abc",
                      "n,,n=me,r=a b", "n,,n=me,r=a\x7f", "n,,n=me,r=\u00e9", "n,,n=me\0,r=abc",
                      "n,,n=me,r=abc\0", "n,,n=me,r=abc,", "n,,n=me,r=abc,x", "n,,n=me,r=abc,1=2",
                      "n,,m=x,n=me,r=abc", "n,,n=me=,r=abc", "n,,n=me=2,r=abc", "n,,n=me=2c,r=abc",
                      "n,,n=me=3E,r=abc", "n,,n==,r=abc", "n,,me,r=abc", b"n,,n=me\xff,r=abc",
                      b"\xff", "n,,n=\u2028,r=abc", "n,,n=m e,r=abc", "n,,n=me,r=abc,m=x"):
            with self.subTest(first):
                self.assert_fails(self.answer(first), *FORM, "invalid-authzid")

    def test_large(self):
        for first in ("n,,n=me,r=" + "r" * 4000, "n,,n=" + "m" * 3900 + ",r=abc",
                      "n,a=" + "m" * 3900 + ",n=me,r=abc",
                      "n,,n=me,r=abc," + ",".join("x=y" for _ in range(900))):
            got = self.answer(first)
            if name_of(got) != "challenge":
                self.assert_fails(got, *FORM, "invalid-authzid")
        stream = before_auth()
        stream.pour(iter([f"<auth xmlns='{SASL}' mechanism='SCRAM-SHA-1'>", "biws" * 100000]))
        self.assert_ends(stream, "policy-violation")

    def test_authzid(self):
        for authzid in (f"victim@{DOMAIN}", "victim", f"me@{DOMAIN}/x", "me", DOMAIN,
                        f"me@{stage.SECOND_DOMAIN}", "=3D", "=2C"):
            with self.subTest(authzid):
                self.assert_fails(self.answer(f"n,a={authzid},n=me,r=abcdefgh"),
                                  "invalid-authzid")

    def test_escapes(self):
        """ "=2C" and "=3D" in a name are a comma and an equals sign, and name nobody here."""
        for name in ("a=2Cb", "a=3Db", "=2C"):
            with self.subTest(name):
                answer = self.answer(f"n,,n={name},r=abcdefgh")
                self.assertEqual(name_of(answer), "challenge", text_of(answer))

    def test_extensions(self):
        """Those that are not mandatory are ignored (RFC 5802 5.1)."""
        answer = self.answer("n,,n=me,r=abcdefgh,x=whatever,y=z")
        self.assertEqual(name_of(answer), "challenge", text_of(answer))

    def test_binding_types(self):
        """Channel binding without a -PLUS mechanism, of kinds known and unknown."""
        for kind in ("tls-unique", "tls-exporter", "tls-server-end-point", "x", ""):
            for mechanism in ("SCRAM-SHA-1", "SCRAM-SHA-256"):
                for place in ("plain", "tls"):
                    with self.subTest(kind, mechanism=mechanism, place=place), \
                            before_auth(place) as stream:
                        first = f"p={kind},,n=me,r=abcdefgh".encode()
                        self.assert_fails(stream.say_auth(mechanism, first), *FORM)

    def test_no_binding_in_the_clear(self):
        """-PLUS cannot be had where there is no channel."""
        with before_auth() as stream:
            for digest in DIGESTS[:2]:
                first = b"p=tls-exporter,,n=me,r=abcdefgh"
                self.assert_fails(stream.say_auth(f"SCRAM-{digest}-PLUS", first),
                                  "invalid-mechanism")


class A2Final(Attack):
    """Client's final messages."""

    def bent(self, bend, digest="SHA-1", password=PASSWORD, **more):
        """The answer to a right final message that went through bend()."""
        with before_auth() as stream:
            scram = Scram(digest, "me", password)
            challenge = challenge_of(stream, scram, "SCRAM-" + digest)
            return stream.say_response(bend(scram.final(challenge, **more).decode()).encode())

    def test_nonce(self):
        """Cut, longer, the client's alone, the server's alone, in other letters."""
        for bend in (lambda r: r[:-1], lambda r: r + "A", lambda r: r[:24], lambda r: r[24:],
                     str.swapcase, lambda r: r[24:] + r[:24], lambda r: "", lambda r: r[::-1]):
            with before_auth() as stream:
                scram = Scram("SHA-1", "me", PASSWORD)
                challenge = challenge_of(stream, scram)
                nonce = bend(fields_of(challenge)["r"])
                self.assert_fails(stream.say_response(scram.final(challenge, nonce=nonce)), *FORM)

    def test_binding(self):
        """`c=` is the header that was sent, byte for byte."""
        for cbind in ("y,,", "n,", "n,,x", f"n,a=me@{DOMAIN},", "p=tls-exporter,,", "N,,", "n,, ",
                      "", "n,a=victim@localhost,"):
            with self.subTest(cbind):
                self.assert_fails(self.bent(lambda text: text, cbind=cbind.encode()), *FORM)

    def test_proof(self):
        def other(text):
            bare, proof = text.rsplit(",p=", 1)
            flipped = bytes([base64.b64decode(proof)[0] ^ 1]) + base64.b64decode(proof)[1:]
            return f"{bare},p={to_base64(flipped)}"
        zeros = to_base64(b"\0" * 20)
        for bend in (other, lambda text: text.rsplit(",", 1)[0], lambda text: text + ",",
                     lambda text: text + ",x=y", lambda text: text[:-4], lambda text: text + "AAAA",
                     lambda text: text.rsplit("p=", 1)[0] + "p=",
                     lambda text: text.rsplit("p=", 1)[0] + "p=" + zeros,
                     lambda text: text.rsplit("p=", 1)[0] + "p=" + "!" * 28,
                     lambda text: text.replace(",p=", ",q="), lambda text: "",
                     lambda text: "p=" + text.rsplit("p=", 1)[1],
                     lambda text: text.replace("c=", "m=x,c=", 1),
                     lambda text: text.replace(",p=", ",m=x,p="),
                     lambda text: text.replace("c=", "d=", 1), lambda text: text + "\0",
                     lambda text: ",".join(reversed(text.split(","))),
                     lambda text: text.replace("biws", "biws=", 1),
                     lambda text: text.replace("biws", "bi ws", 1)):
            self.assert_fails(self.bent(bend), *FORM)
        self.assert_fails(self.bent(lambda text: text, password="wrong"), "not-authorized")

    def test_extensions(self):
        """Signed as they must be: unknown ones are ignored, a mandatory one is never understood
        (RFC 5802 5.1: its presence must cause failure)."""
        with before_auth() as stream:
            scram = Scram("SHA-1", "me", PASSWORD)
            final = scram.final(challenge_of(stream, scram), extension=",x=whatever")
            self.assertEqual(name_of(stream.say_response(final)), "success")
        self.assert_fails(self.bent(lambda text: text, extension=",m=x"), *FORM)

    def test_other_digest(self):
        """A proof for one hash is none for another, although the password is right."""
        with before_auth() as stream:
            scram = Scram("SHA-256", "me", PASSWORD)
            challenge = challenge_of(stream, scram, "SCRAM-SHA-1")
            self.assert_fails(stream.say_response(scram.final(challenge)), *FORM)

    def test_replay(self):
        """What was right once is not right again: every challenge has a nonce of its own."""
        with before_auth() as stream:
            scram = Scram("SHA-1", "me", PASSWORD)
            final = scram.final(challenge_of(stream, scram))
            self.assertEqual(name_of(stream.say_response(final)), "success")
        for _ in range(3):
            with before_auth() as stream:
                challenge_of(stream, scram)
                self.assert_fails(stream.say_response(final), *FORM)

    def test_replay_in_stream(self):
        """Also on the same stream, after a failure."""
        with before_auth() as stream:
            scram = Scram("SHA-1", "me", PASSWORD)
            final = scram.final(challenge_of(stream, scram))
            self.assert_fails(stream.say_response(final[:-4] + b"AAA="), *FORM)
            self.assert_fails(stream.say_response(final), *FORM)
            challenge_of(stream, scram)
            self.assert_fails(stream.say_response(final), *FORM)

    def test_nonces(self):
        """Never the same, long enough, printable, behind the client's."""
        seen = set()
        for _ in range(40):
            with before_auth() as stream:
                scram = Scram("SHA-1", "me", PASSWORD)
                nonce = scram.take_challenge(challenge_of(stream, scram))["r"]
                seen.add(nonce.removeprefix(scram.nonce))
        self.assertEqual(len(seen), 40)
        self.assertTrue(all(re.fullmatch(r"[!-+\--~]{18,}", nonce) for nonce in seen), seen)

    def test_parallel(self):
        """Two exchanges of one user do not disturb each other."""
        with before_auth() as one, before_auth() as two:
            first, second = Scram("SHA-1", "me", PASSWORD), Scram("SHA-256", "me", PASSWORD)
            challenges = challenge_of(one, first), challenge_of(two, second, "SCRAM-SHA-256")
            answers = (two.say_response(second.final(challenges[1])),
                       one.say_response(first.final(challenges[0])))
            self.assertEqual([name_of(answer) for answer in answers], ["success"] * 2)

    def test_crossed(self):
        """The answer to one stream's challenge on the other stream."""
        with before_auth() as one, before_auth() as two:
            first, second = Scram("SHA-1", "me", PASSWORD), Scram("SHA-1", "me", PASSWORD)
            second.nonce, second.first_bare = first.nonce, first.first_bare
            challenges = challenge_of(one, first), challenge_of(two, second)
            self.assertNotEqual(*challenges)
            self.assert_fails(two.say_response(first.final(challenges[0])), *FORM)
            self.assert_fails(one.say_response(second.final(challenges[1])), *FORM)


class A2Turns(Attack):
    """The right messages at the wrong time."""

    def test_response_first(self):
        for text in ("", "=", to_base64(b"n,,n=me,r=abcdefgh"), to_base64(b"c=biws,r=x,p=y")):
            with self.subTest(text), before_auth() as stream:
                stream.send(f"<response xmlns='{SASL}'>{text}</response>")
                self.assert_fails(stream.next(), *FORM)

    def test_first_twice(self):
        with before_auth() as stream:
            scram = Scram("SHA-1", "me", PASSWORD)
            challenge_of(stream, scram)
            self.assert_fails(stream.say_response(scram.first()), *FORM)

    def test_auth_again(self):
        """A new <auth/> gives the exchange up: its answer is worth nothing any more."""
        with before_auth() as stream:
            scram, other = Scram("SHA-1", "me", PASSWORD), Scram("SHA-1", "me", PASSWORD)
            final = scram.final(challenge_of(stream, scram))
            answer = stream.say_auth("SCRAM-SHA-1", other.first())
            if name_of(answer) == "challenge":
                answer = stream.say_response(final)
            self.assert_fails(answer, *FORM)

    def test_pipelined_response(self):
        """A response before the challenge was seen cannot be right."""
        with before_auth() as stream:
            scram = Scram("SHA-1", "me", PASSWORD)
            guess = b"c=biws,r=" + scram.nonce.encode() + b",p=" + b"A" * 27 + b"="
            stream.send(f"<auth xmlns='{SASL}' mechanism='SCRAM-SHA-1'>{to_base64(scram.first())}"
                        f"</auth><response xmlns='{SASL}'>{to_base64(guess)}</response>")
            self.assertEqual(name_of(stream.next()), "challenge")
            self.assert_fails(stream.next(), *FORM)

    def test_other_mechanism_inside(self):
        """A PLAIN message as the answer to a SCRAM challenge."""
        with before_auth() as stream:
            challenge_of(stream, Scram("SHA-1", "me", PASSWORD))
            self.assert_fails(stream.say_response(f"\0me\0{PASSWORD}".encode()), *FORM)

    def test_header_inside(self):
        stream = before_auth()
        challenge_of(stream, Scram("SHA-1", "me", PASSWORD))
        stream.send(header().split("?>", 1)[1])
        self.assertEqual(name_of(stream.next()), "error")
        stream.close()

    def test_starttls_inside(self):
        stream = before_header_in_clear()
        challenge_of(stream, Scram("SHA-1", "me", PASSWORD))
        stream.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
        got = stream.next()
        self.assertIn(name_of(got), ("failure", "error"))
        self.assertNotEqual(name_of(got), "proceed")
        stream.close()

    def test_retries(self):
        """Failures are counted whatever their kind, and the stream ends after some."""
        with before_auth() as stream:
            for count in range(20):
                scram = Scram("SHA-1", "me", "wrong")
                answer = stream.say_auth("SCRAM-SHA-1", scram.first())
                if ns_of(answer) == SASL:
                    answer = stream.say_response(scram.final(base64.b64decode(answer.text)))
                if ns_of(answer) != SASL:
                    stream.queue.insert(0, answer)
                    break
                self.assert_fails(answer, "not-authorized")
                if not stream.is_silent(0.05):
                    break
            self.assertIn(stream_error(stream), ("policy-violation", "not-authorized"))
            self.assertLessEqual(count, 6)


def before_header_in_clear():
    stream = Stream(stage.server, "plain")
    stream.open()
    return stream


class A2Unknown(Attack):
    """Users who do not exist look as if they did."""

    def challenge(self, name, digest="SHA-1"):
        with before_auth() as stream:
            return fields_of(challenge_of(stream, Scram(digest, name, "x"), "SCRAM-" + digest))

    def test_shape(self):
        for digest in DIGESTS:
            known = self.challenge("me", digest)
            for name in ("nobody", "x", "a" * 900, "victims"):
                with self.subTest(name, digest=digest):
                    unknown = self.challenge(name, digest)
                    self.assertEqual(unknown["i"], known["i"])
                    self.assertEqual(set(unknown), set(known))
                    self.assertEqual(len(unknown["s"]), len(known["s"]))
                    self.assertGreaterEqual(int(unknown["i"]), ITERATIONS_AT_LEAST)

    def test_salts(self):
        """Stable for a name, different between names and hashes as real ones are."""
        salts = collections.Counter()
        for name in ("nobody", "somebody", "me", "victim"):
            for digest in DIGESTS[:2]:
                first = self.challenge(name, digest)["s"]
                salts[first] += 1
                self.assertEqual(self.challenge(name, digest)["s"], first)
                self.assertEqual(self.challenge(name.upper(), digest)["s"], first)
        real = {self.challenge("me", digest)["s"] for digest in DIGESTS[:2]}
        fake = {self.challenge("nobody", digest)["s"] for digest in DIGESTS[:2]}
        self.assertEqual(len(real), len(fake), "salts per hash tell known from unknown")
        self.assertLessEqual(max(salts.values()), 3 - len(real))

    def test_failures(self):
        """The answer to a wrong proof is the same, byte for byte, known or not."""
        answers = set()
        for name in ("me", "nobody", "victim", "x"):
            with before_auth() as stream:
                scram = Scram("SHA-1", name, "wrong")
                final = scram.final(challenge_of(stream, scram))
                answers.add(text_of(stream.say_response(final)))
        self.assertEqual(len(answers), 1, answers)

    def test_zero_keys(self):
        """Made-up credentials have no password, the empty one included."""
        for name in ("nobody", "x"):
            for password in ("", "x", "\0"):
                with before_auth() as stream:
                    scram = Scram("SHA-256", name, password)
                    final = scram.final(challenge_of(stream, scram, "SCRAM-SHA-256"))
                    self.assertEqual(failure(stream.say_response(final)), "not-authorized")
