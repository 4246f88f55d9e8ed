-- Prosody 0.12 for the comparison; @NAME@ is filled in by servers.py, and a line that ends with
-- "--IF archive" is left out where there is no archive. What is not here is Prosody's preset.

pidfile = "@WORK@/prosody.pid"
data_path = "@WORK@/data"
certificates = "@WORK@"
log = { { levels = { min = "error" }, to = "file", filename = "@WORK@/prosody.log" } }
run_as_root = true

-- The preset of 0.12, named because older configurations say "libevent" here.
network_backend = "epoll"
network_settings = { tcp_backlog = 4096 }

-- Plain TCP on the loopback interface: TLS is another measurement.
interfaces = { "127.0.0.1" }
c2s_ports = { @PORT@ }
c2s_require_encryption = false
s2s_ports = {}
modules_disabled = { "s2s", "tls", "offline" }

-- Without module "limits" nothing bounds what a client may send; Debian's preset has it on.
modules_enabled = {
    -- What a client expects of any server, and what the two others have on, too.
    "roster", "saslauth", "disco", "ping", "time", "version", "carbons", "csi_simple", "smacks",
    "blocklist",
    "mam", --IF archive
}

-- All servers: one PostgreSQL of its own over TCP on the loopback interface, the same settings
-- (postgresql.conf). Accounts as SCRAM-SHA-1 with 4,096 rounds, as on the others.
storage = "sql"
sql = { driver = "PostgreSQL", host = "127.0.0.1", port = @DB_PORT@, database = "@DB_NAME@",
    username = "@DB_USER@", password = "@DB_PASSWORD@" }
authentication = "internal_hashed"

-- With the preset, 64, each message of more than 64 users asks the database for a blocking list; the
-- others keep them in memory, too.
blocklist_cache_size = 20000

-- The archive of both users, for all contacts; nothing is dropped during the run.
default_archive_policy = true
archive_expires_after = "never"

VirtualHost "@DOMAIN@"

Component "conference.@DOMAIN@" "muc"
modules_enabled = { "muc_mam" } --IF archive
muc_log_by_default = true
muc_log_all_rooms = @ARCHIVE@
muc_log_expires_after = "never"
-- No history for who joins (it would be another's traffic), and no lock before the first form.
max_history_messages = 0
muc_room_default_history_length = 0
muc_room_locking = false
restrict_room_creation = false
-- More rooms than the preset (100) keeps in memory.
muc_room_cache_size = 10000
