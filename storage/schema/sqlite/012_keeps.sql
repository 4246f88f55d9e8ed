-- `keeps` of mam_prefs may be 2 (XEP-0441 `roster`): messages with contacts are kept. No table changes;
-- an older program would take it for `always`.
SELECT 1;
