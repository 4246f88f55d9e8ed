-- A mark of a room's message names the room, whose archive has it; of others the owner's has it. The
-- JID as text: the room's row of table jid may be written later than the mark.
ALTER TABLE offline_message ADD COLUMN room text COLLATE "C";
