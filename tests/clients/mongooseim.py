"""A database as MongooseIM 6.1 leaves it, for the import: its tables (those that the import looks
at, and some that it leaves), and rows as it writes them. Needs psql."""
import base64
import hashlib
import hmac
import struct
import subprocess
import zlib
import xml.etree.ElementTree as ET

TABLES = """
CREATE TABLE users (username varchar(250), server varchar(250), password text NOT NULL,
  pass_details text, created_at timestamp NOT NULL DEFAULT now(), PRIMARY KEY (server, username));
CREATE TABLE last (server varchar(250), username varchar(250), seconds integer NOT NULL,
  state text NOT NULL, PRIMARY KEY (server, username));
CREATE TABLE rosterusers (server varchar(250) NOT NULL, username varchar(250) NOT NULL,
  jid text NOT NULL, nick text NOT NULL, subscription character(1) NOT NULL,
  ask character(1) NOT NULL, askmessage text NOT NULL,
  created_at timestamp NOT NULL DEFAULT now());
CREATE UNIQUE INDEX i_rosteru ON rosterusers (server, username, jid);
CREATE TABLE rostergroups (server varchar(250) NOT NULL, username varchar(250) NOT NULL,
  jid text NOT NULL, grp text NOT NULL);
CREATE TABLE privacy_default_list (server varchar(250), username varchar(250), name text NOT NULL,
  PRIMARY KEY (server, username));
CREATE TABLE privacy_list (server varchar(250) NOT NULL, username varchar(250) NOT NULL,
  name text NOT NULL, id serial UNIQUE, created_at timestamp NOT NULL DEFAULT now(),
  PRIMARY KEY (server, username, name));
CREATE TABLE privacy_list_data (id bigint REFERENCES privacy_list (id) ON DELETE CASCADE,
  t character(1) NOT NULL, value text NOT NULL, action character(1) NOT NULL, ord int NOT NULL,
  match_all boolean NOT NULL, match_iq boolean NOT NULL, match_message boolean NOT NULL,
  match_presence_in boolean NOT NULL, match_presence_out boolean NOT NULL,
  PRIMARY KEY (id, ord));
CREATE TYPE mam_behaviour AS ENUM ('A', 'N', 'R');
CREATE TYPE mam_direction AS ENUM ('I', 'O');
CREATE TABLE mam_message (id bigint NOT NULL, user_id int NOT NULL,
  from_jid varchar(250) NOT NULL, remote_bare_jid varchar(250) NOT NULL,
  remote_resource varchar(250) NOT NULL, direction mam_direction NOT NULL, message bytea NOT NULL,
  search_body text, origin_id varchar, PRIMARY KEY (user_id, id));
CREATE INDEX i_mam_message ON mam_message (user_id, remote_bare_jid, id);
CREATE TABLE mam_config (user_id int NOT NULL, remote_jid varchar(250) NOT NULL,
  behaviour mam_behaviour NOT NULL, PRIMARY KEY (user_id, remote_jid));
CREATE TABLE mam_server_user (id serial PRIMARY KEY, server varchar(250) NOT NULL,
  user_name varchar(250) NOT NULL);
CREATE TABLE inbox (luser varchar(250) NOT NULL, lserver varchar(250) NOT NULL,
  remote_bare_jid varchar(250) NOT NULL, msg_id varchar(250),
  box varchar(64) NOT NULL DEFAULT 'inbox', content bytea NOT NULL, timestamp bigint NOT NULL,
  muted_until bigint DEFAULT 0, unread_count int NOT NULL,
  PRIMARY KEY (lserver, luser, remote_bare_jid));
CREATE TABLE private_storage (server varchar(250) NOT NULL, username varchar(250) NOT NULL,
  namespace varchar(250) NOT NULL, data text NOT NULL, created_at timestamp NOT NULL DEFAULT now(),
  PRIMARY KEY (server, username, namespace));
CREATE TABLE muc_light_rooms (id bigserial UNIQUE, luser varchar(250) NOT NULL,
  lserver varchar(250) NOT NULL, version varchar(20) NOT NULL, PRIMARY KEY (lserver, luser));
CREATE TABLE muc_light_occupants (room_id bigint NOT NULL, luser varchar(250) NOT NULL,
  lserver varchar(250) NOT NULL, aff smallint NOT NULL);
CREATE TABLE muc_light_config (room_id bigint NOT NULL, opt varchar(100) NOT NULL,
  val varchar(250) NOT NULL);
CREATE TABLE muc_light_blocking (luser varchar(250) NOT NULL, lserver varchar(250) NOT NULL,
  what smallint NOT NULL, who varchar(500) NOT NULL);
CREATE TABLE mam_muc_message (id bigint NOT NULL, room_id int NOT NULL, sender_id int NOT NULL,
  nick_name varchar(250) NOT NULL, message bytea NOT NULL, search_body text, origin_id varchar,
  PRIMARY KEY (room_id, id));
CREATE TABLE pubsub_nodes (nidx bigserial PRIMARY KEY, p_key varchar(250) NOT NULL,
  name varchar(250) NOT NULL, type varchar(250) NOT NULL, owners json NOT NULL,
  options json NOT NULL);
CREATE TABLE pubsub_items (nidx bigint NOT NULL, itemid varchar(250) NOT NULL,
  created_luser varchar(250) NOT NULL, created_lserver varchar(250) NOT NULL,
  created_at bigint NOT NULL, modified_luser varchar(250) NOT NULL,
  modified_lserver varchar(250) NOT NULL, modified_lresource varchar(250) NOT NULL,
  modified_at bigint NOT NULL, publisher text, payload text NOT NULL,
  PRIMARY KEY (nidx, itemid));
CREATE TABLE muc_registered (muc_host varchar(250), jid varchar(250), nick varchar(250));
CREATE TABLE vcard (username varchar(150), server varchar(100), vcard text NOT NULL);
CREATE TABLE offline_message (id serial PRIMARY KEY, timestamp bigint NOT NULL, expire bigint,
  server varchar(250) NOT NULL, username varchar(250) NOT NULL, from_jid varchar(250) NOT NULL,
  packet text NOT NULL, permanent_fields bytea);
"""

HASHES = (("sha1", "===SHA1==="), ("sha224", "==SHA224=="), ("sha256", "==SHA256=="),
          ("sha384", "==SHA384=="), ("sha512", "==SHA512=="))


def quote(value):
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, bytes):
        return f"'\\x{value.hex()}'"
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else str(value)


# --- Passwords ---

def scram_keys(digest, password, salt, iterations=4096):
    """Salt, StoredKey and ServerKey in base64."""
    salted = hashlib.pbkdf2_hmac(digest, password.encode(), salt, iterations)
    client = hmac.new(salted, b"Client Key", digest).digest()
    server = hmac.new(salted, b"Server Key", digest).digest()
    return [base64.b64encode(key).decode()
            for key in (salt, hashlib.new(digest, client).digest(), server)]


def old_scram(password):
    salt, stored, server = scram_keys("sha1", password, b"an old salt 1234")
    return f"==SCRAM==,{stored},{server},{salt},4096"


def multi_scram(password):
    keys = ("|".join(scram_keys(digest, password, f"salt of {digest}".encode()))
            for digest, _ in HASHES)
    return "==MULTI_SCRAM==,4096," + ",".join(prefix + one for (_, prefix), one
                                              in zip(HASHES, keys))


# --- Erlang terms ---

def binary(text):
    data = text.encode()
    return b"m" + struct.pack(">I", len(data)) + data


def atom(name):
    return b"d" + struct.pack(">H", len(name)) + name.encode()


def items(terms):
    return b"l" + struct.pack(">I", len(terms)) + b"".join(terms) + b"j" if terms else b"j"


def cdata(text):
    return b"h\2" + atom("xmlcdata") + binary(text)


def xmlel(element, scope="jabber:client"):
    """The record that MongooseIM's parser makes of it."""
    uri, name = element.tag[1:].split("}") if element.tag[0] == "{" else (scope, element.tag)
    attrs = ([("xmlns", uri)] if uri != scope else []) + list(element.items())
    children = [cdata(element.text)] if element.text else []
    for child in element:
        children.append(xmlel(child, uri))
        children += [cdata(child.tail)] if child.tail else []
    pairs = [b"h\2" + binary(one) + binary(other) for one, other in attrs]
    return b"h\4" + atom("xmlel") + binary(name) + items(pairs) + items(children)


def as_term(xml):
    return b"\x83" + xmlel(ET.fromstring(xml))


def as_compressed_term(xml):
    term = xmlel(ET.fromstring(xml))
    return b"\x83P" + struct.pack(">I", len(term)) + zlib.compress(term)


# --- JIDs in the archive ---

def relative(owner, jid):
    """As mam_jid_mini has it."""
    bare, _, resource = jid.partition("/")
    user, _, domain = bare.rpartition("@")
    tail = "/" + resource if resource else ""
    own_user, own_domain = owner.split("@")
    if domain == own_domain:
        return tail if user == own_user else (user or ":") + tail
    return f"{domain}@{user}{tail}" if resource else f"{domain}:{user}"


def whole(_, jid):
    return jid


# --- The database ---

class MongooseIM:
    """In a schema of its own. `encode` writes messages, `address` the archive's JIDs."""

    def __init__(self, conninfo, schema, encode=as_compressed_term, address=relative):
        self.base, self.schema = conninfo, schema
        self.conninfo = f"{conninfo} options='-c search_path={schema}'"
        self.encode, self.address = encode, address
        self.statements, self.users = [], {}
        self.run(f"CREATE SCHEMA {schema}; SET search_path = {schema}; {TABLES}", self.base)

    def run(self, sql, conninfo=None):
        out = subprocess.run(["psql", "-qtAX", "-v", "ON_ERROR_STOP=1", "-d",
                              conninfo or self.conninfo], input=sql, text=True,
                             capture_output=True, check=False)
        if out.returncode:
            raise RuntimeError(out.stderr)
        return out.stdout

    def drop(self):
        self.run(f"SET client_min_messages = warning; DROP SCHEMA {self.schema} CASCADE", self.base)

    def insert(self, table, **row):
        self.statements.append(f"INSERT INTO {table} ({', '.join(row)})"
                               f" VALUES ({', '.join(map(quote, row.values()))});")

    def commit(self):
        self.run("\n".join(self.statements))
        self.statements = []

    def user(self, jid, password="", details=None):
        name, server = jid.split("@")
        self.insert("users", username=name, server=server, password=password, pass_details=details)

    def archive(self, jid):
        """The number of somebody's archive."""
        if jid not in self.users:
            name, server = jid.split("@")
            self.users[jid] = len(self.users) + 1
            self.insert("mam_server_user", id=self.users[jid], server=server, user_name=name)
        return self.users[jid]

    def store(self, owner, peer, direction, us, xml, node=1):
        """A row of `owner`'s archive; `peer` is a full JID, or a bare one."""
        bare, _, resource = peer.partition("/")
        source = ET.fromstring(xml).get("from")
        self.insert("mam_message", id=us << 8 | node, user_id=self.archive(owner),
                    from_jid=self.address(owner, source),
                    remote_bare_jid=self.address(owner, bare), remote_resource=resource,
                    direction=direction,
                    message=self.encode(xml) if isinstance(xml, str) else xml)

    def say(self, sender, recipient, us, xml, late_us=1500):
        """A message in both archives; what goes to the recipient is given an id on the way."""
        bare = sender.split("/")[0]
        self.store(bare, recipient, "O", us, xml)
        given = xml.replace("</message>", "<stanza-id xmlns='urn:xmpp:sid:0' id='BO7CH1JOF801'"
                            f" by='{recipient.split('/')[0]}'/></message>")
        self.store(recipient.split("/")[0], sender, "I", us + late_us, given, node=2)
