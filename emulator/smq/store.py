"""The schema of SMQ's database. Every answer is committed before it is sent: a restart loses nothing."""

SCHEMA = """
CREATE TABLE queues (
    name TEXT PRIMARY KEY, attributes TEXT NOT NULL, created INTEGER NOT NULL, modified INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE messages (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, queue TEXT NOT NULL, body TEXT NOT NULL,
    priority INTEGER NOT NULL, enqueued INTEGER NOT NULL, expires INTEGER NOT NULL, visible INTEGER NOT NULL,
    first_dequeued INTEGER NOT NULL, dequeued INTEGER NOT NULL, handle TEXT NOT NULL, properties TEXT NOT NULL
);
CREATE INDEX messages_by_visibility ON messages (queue, visible);
CREATE INDEX messages_by_expiry ON messages (expires);
CREATE TABLE topics (
    name TEXT PRIMARY KEY, maximum_message_size INTEGER NOT NULL, logging INTEGER NOT NULL, created INTEGER NOT NULL,
    modified INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE subscriptions (
    topic TEXT NOT NULL, name TEXT NOT NULL, endpoint TEXT NOT NULL, filter_tag TEXT NOT NULL, format TEXT NOT NULL,
    strategy TEXT NOT NULL, created INTEGER NOT NULL, modified INTEGER NOT NULL, PRIMARY KEY (topic, name)
) WITHOUT ROWID;
CREATE TABLE publications (
    id TEXT PRIMARY KEY, topic TEXT NOT NULL, body TEXT NOT NULL, tag TEXT NOT NULL, attributes TEXT NOT NULL,
    properties TEXT NOT NULL, published INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE pushes (
    publication TEXT NOT NULL, subscription TEXT NOT NULL, failures INTEGER NOT NULL,
    PRIMARY KEY (publication, subscription)
) WITHOUT ROWID;
"""
