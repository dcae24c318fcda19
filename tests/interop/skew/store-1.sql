-- The store of the first daemons, schema 1.
CREATE TABLE policy (name TEXT NOT NULL, revision INTEGER NOT NULL, author TEXT NOT NULL, time INTEGER NOT NULL, hash TEXT NOT NULL, source_name TEXT NOT NULL, text TEXT NOT NULL, rolled_back_to INTEGER NOT NULL, PRIMARY KEY (name, revision)) WITHOUT ROWID;
CREATE TABLE assignment (selector TEXT NOT NULL PRIMARY KEY, policy TEXT NOT NULL, author TEXT NOT NULL, time INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE lease (id INTEGER NOT NULL PRIMARY KEY, state INTEGER NOT NULL, vm TEXT NOT NULL, uuid TEXT NOT NULL, owner TEXT NOT NULL, bytes INTEGER NOT NULL, baseline INTEGER NOT NULL, floor INTEGER NOT NULL, created INTEGER NOT NULL, expires INTEGER NOT NULL, boot_id TEXT NOT NULL, pid INTEGER NOT NULL, start_time INTEGER NOT NULL, driver TEXT NOT NULL, address TEXT NOT NULL);
CREATE TABLE action (id TEXT NOT NULL PRIMARY KEY, vm TEXT NOT NULL, time INTEGER NOT NULL, record BLOB NOT NULL) WITHOUT ROWID;
CREATE INDEX action_time ON action (time);
CREATE INDEX action_vm ON action (vm, time);
CREATE TABLE waterfall (vm TEXT NOT NULL, time INTEGER NOT NULL, record BLOB NOT NULL, PRIMARY KEY (vm, time)) WITHOUT ROWID;
CREATE INDEX waterfall_time ON waterfall (time);
CREATE TABLE audit (time INTEGER NOT NULL, who TEXT NOT NULL, method TEXT NOT NULL, request TEXT NOT NULL, allowed INTEGER NOT NULL);
CREATE INDEX audit_time ON audit (time);
