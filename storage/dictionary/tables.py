"""What the dictionary is trained for, as data: clients, payloads and the pieces of addresses. Known
fallback texts and namespaces are those that clients send. {names}: see MAKERS in stanzas.py."""
ENGLISH = 0.4  # the other languages share the rest
NAMES = """alice bob carol dave emma noah olivia liam sophie lukas anna jonas marie felix lena paul
 pablo lucia carlos carmen joao beatriz tiago ana camille hugo chloe louis giulia marco chiara luca
 kasia piotr zofia tomek olga ivan dmitry natasha mehmet elif ayse emre budi siti dewi agus priya
 rahul anil sunita omar layla hassan fatima wei ling chen yuki haruto sakura kenji max tom sam alex
 nina robin kim eva peter julia martin sarah mike jenny chris laura daniel lisa""".split()
SYLLABLES = "ba be ber co da de dor el fi ga ha jo ka la lin mar mo ne no pa ri ro sa ti vo".split()
HOSTS = ("", "", "", "", "", "chat.", "xmpp.", "jabber.", "im.", "talk.")
ENDS = (".org", ".net", ".com", ".de", ".im", ".eu", ".com", ".org", ".io", ".fr", ".ru", ".com.br")
EMOJI = "👍 ❤️ 😂 😮 😢 🙏 🎉 😍 🤣 😊 😘 🥰 👏 🔥 💯 😅 🤔 🙈 😉 😁".split()
FILES = ("jpg", "jpg", "jpg", "png", "mp4", "m4a", "ogg", "pdf", "webp", "gif", "opus")
UPLOADS = ("https://upload.{domain}/{token22}/{file}",
           "https://{domain}:5443/upload/{hex40}/{file}",
           "https://{domain}/upload/{uuid}/{file}", "https://{domain}:5281/upload/{token22}/{file}",
           "https://upload.{domain}/file_share/{uuid}/{file}",
           "https://s3.eu-central-1.amazonaws.com/{domain}/{uuid}/{file}")

# What a message has beside its payload (*), by client: weight, attributes, id, resource, children.
CLIENTS = (
    (26, "type id from to", "{uuid}", "Conversations.{token4}", "markable origin request *"),
    (8, "to type id from", "{token22}", "Conversations.{token4}", "markable origin request *"),
    (10, "id to type from", "{uuid}", "dino.{hex8}", "request markable origin * active"),
    (10, "to type id from", "{uuid}", "gajim.{upper8}", "* origin request markable active thread"),
    (8, "from id to type", "{UUID}", "Monal-iOS.{hex8}", "* origin request markable"),
    (4, "lang to type id from", "{hex5}", "Psi+", "* active request nick"),
    (4, "id to type from", "{uuid}", "profanity.{token4}", "origin * active request"),
    (8, "from to type id lang", "{uuid}", "converse.js-{digits8}",
     "* active request origin markable"),
    (8, "to id type from", "{upper5}-{digits2}", "{token12}", "* request active thread"),
    (6, "type to id from", "{UUID}", "{digits20}", "* request active"),
    (5, "from to id type", "17{digits11}", "mobile", "* markable origin request"),
    (4, "lang to from type id", "{uuid}", "{token10}", "origin * request markable delay"),
    (2, "lang to from id", "{hex8}", "{hex8}", "* thread active"),
)
# Weight, class, whether it has what the client adds, payload.
KINDS = (
    (100, "text", True, "body"), (4, "text", True, "body html"), (4, "text", True, "json"),
    (4, "text", True, "body replace"), (8, "text", True, "quote reply fallback"),
    (14, "omemo", True, "omemo store eme omemo-body"),
    (6, "omemo", True, "omemo eme store dino-body"),
    (4, "omemo", True, "omemo eme gajim-body store"), (4, "omemo", False, "omemo store"),
    (6, "omemo", True, "omemo2 eme2 store"), (8, "file", True, "link oob"),
    (3, "file", True, "link oob sfs"), (7, "other", False, "displayed store"),
    (7, "other", False, "received store"), (7, "other", False, "reactions store"),
    (2, "other", False, "reactions reactions-fallback store body"),
    (2, "other", False, "retract retract-fallback retract-body store"),
    (2, "other", False, "propose request store"), (1, "other", False, "proceed store"),
    (1, "other", False, "accept store"), (1, "other", False, "finish store"),
    (1, "other", False, "reject store"), (1, "other", False, "jingle-retract store"),
    (2, "other", False, "invite body"), (1, "other", False, "muc-invite invite"),
)
JINGLE = "xmlns='urn:xmpp:jingle-message:0' id='{uuid}'"
FALLBACK = "<fallback xmlns='urn:xmpp:fallback:0' for="
AXOLOTL = "eu.siacs.conversations.axolotl"
PARTS = {
    "body": "<body>{text}</body>", "link": "<body>{url}</body>",
    "json": '<body>{{"type":"text","id":"{id}","text":"{text}","timestamp":17{digits11}}}</body>',
    "quote": "<body>&gt; {quoted}\n{text}</body>",
    "origin": "<origin-id xmlns='urn:xmpp:sid:0' id='{id}'/>",
    "request": "<request xmlns='urn:xmpp:receipts'/>",
    "received": "<received xmlns='urn:xmpp:receipts' id='{other}'/>",
    "markable": "<markable xmlns='urn:xmpp:chat-markers:0'/>",
    "displayed": "<displayed xmlns='urn:xmpp:chat-markers:0' id='{other}'/>",
    "active": "<active xmlns='http://jabber.org/protocol/chatstates'/>",
    "store": "<store xmlns='urn:xmpp:hints'/>", "thread": "<thread>{uuid}</thread>",
    "nick": "<nick xmlns='http://jabber.org/protocol/nick'>{nick}</nick>",
    "delay": "<delay xmlns='urn:xmpp:delay' from='{domain}' stamp='{stamp}'/>",
    "html": "<html xmlns='http://jabber.org/protocol/xhtml-im'>"
            "<body xmlns='http://www.w3.org/1999/xhtml'><p>{text}</p></body></html>",
    "replace": "<replace xmlns='urn:xmpp:message-correct:0' id='{other}'/>",
    "reply": "<reply xmlns='urn:xmpp:reply:0' to='{to}' id='{other}'/>",
    "fallback": f"{FALLBACK}'urn:xmpp:reply:0'><body start='0' end='{{end}}'/></fallback>",
    "reactions": "<reactions xmlns='urn:xmpp:reactions:0' id='{other}'>"
                 "<reaction>{emoji}</reaction></reactions>",
    "reactions-fallback": f"{FALLBACK}'urn:xmpp:reactions:0'><body/></fallback>",
    "retract": "<retract xmlns='urn:xmpp:message-retract:1' id='{other}'/>",
    "retract-fallback": f"{FALLBACK}'urn:xmpp:message-retract:1'/>",
    "retract-body": "<body>/me retracted a previous message, but it's unsupported by your client."
                    "</body>",
    "oob": "<x xmlns='jabber:x:oob'><url>{url}</url></x>",
    "sfs": "<file-sharing xmlns='urn:xmpp:sfs:0' disposition='inline'>"
           "<file xmlns='urn:xmpp:file:metadata:0'><media-type>image/jpeg</media-type>"
           "<name>{file}</name><size>{digits6}</size>"
           "<hash xmlns='urn:xmpp:hashes:2' algo='sha-256'>{sha256}</hash></file>"
           "<sources><url-data xmlns='http://jabber.org/protocol/url-data' target='{url}'/>"
           "</sources></file-sharing>",
    "omemo": f"<encrypted xmlns='{AXOLOTL}'><header sid='{{device}}'>{{keys}}"
             "<iv>{iv}</iv></header><payload>{payload}</payload></encrypted>",
    "omemo2": "<encrypted xmlns='urn:xmpp:omemo:2'><header sid='{device}'>"
              "<keys jid='{peer}'>{keys2}</keys><keys jid='{own}'>{own_keys2}</keys></header>"
              "<payload>{payload2}</payload></encrypted>",
    "eme": f"<encryption xmlns='urn:xmpp:eme:0' name='OMEMO' namespace='{AXOLOTL}'/>",
    "eme2": "<encryption xmlns='urn:xmpp:eme:0' name='OMEMO' namespace='urn:xmpp:omemo:2'/>",
    "omemo-body": "<body>I sent you an OMEMO encrypted message but your client doesn’t seem to"
                  " support that. Find more information on https://conversations.im/omemo</body>",
    "dino-body": "<body>[This message is OMEMO encrypted]</body>",
    "gajim-body": "<body>You received a message encrypted with OMEMO but your client doesn't"
                  " support OMEMO.</body>",
    "propose": f"<propose {JINGLE}><description xmlns='urn:xmpp:jingle:apps:rtp:1' media='audio'/>"
               "{video}</propose>",
    "proceed": f"<proceed {JINGLE}/>", "accept": f"<accept {JINGLE}/>",
    "reject": f"<reject {JINGLE}/>", "jingle-retract": f"<retract {JINGLE}/>",
    "finish": f"<finish {JINGLE}><reason xmlns='urn:xmpp:jingle:1'><success/></reason></finish>",
    "invite": "<x xmlns='jabber:x:conference' jid='{room}'/>",
    "muc-invite": "<x xmlns='http://jabber.org/protocol/muc#user'><invite from='{own}'>"
                  "<reason>{text}</reason></invite></x>",
}
VIDEO = "<description xmlns='urn:xmpp:jingle:apps:rtp:1' media='video'/>"
