-- Schema 3. Tokens written to a provider's cache for an hour have a price of their own. Without a
-- count, as in every row from before, all written tokens are priced alike, as they were.

ALTER TABLE charges ADD COLUMN cache_write_1h_tokens BIGINT;
