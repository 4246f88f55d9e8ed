-- Occupants whose account was removed: they have to leave, as if they had asked for it.
ALTER TABLE room_occupant ADD COLUMN gone INTEGER NOT NULL DEFAULT 0;
CREATE INDEX room_occupant_gone ON room_occupant (room, occupant) WHERE gone;
