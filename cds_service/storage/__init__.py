"""What Ionwise keeps, and how the rest of the program reaches it.

    store = open_store(settings.database_url, data_dir=settings.data_dir)     # opens nothing yet
    await store.start()                       # in the server's event loop; a database that is away does not fail it
    people = find_pseudonyms(settings.pseudonym_key_file, settings.data_dir, create=settings.sandbox)

    board = store.switches(tenant)            # per call, from memory
    board.state(rule_id)                      # -> "on", "silent" or "off"
    patients = people.patient(tenant, id)     # pseudonyms under all keys, the newest first
    users = people.clinician(tenant, user_id) # () when the hook names no user
    # only when there is something to say: -> Remembered rows, or None: not available in time
    known = await store.recall(Question(tenant, patients, since, rules, once_rules, users))

    store.record(Entry(as_of=..., patient=patients[0], ...))      # after the answer; never waits, never raises
    await store.add_feedback(tenant, client, reports, received_at)    # durable when it returns; StorageError -> 503
    await store.spend_token(issuer, jti, expires_at, now)   # False: used before; StorageError -> 503
    await store.health()                      # for /ready
    await store.close()                       # writes what waits

| module | |
| --- | --- |
| `store` | `Store`, `open_store`, `Health` |
| `records` | `Entry`, `Issue`, `Tally`, `Report`, `Question`, `Pseudonym`: what is handed over |
| `pseudonyms` | keyed pseudonyms and their key file |
| `ledger`, `feedback`, `memory`, `switches`, `spent_tokens` | the five things a store does |
| `stats`, `retention` | for the command line |
| `audit`, `audit_rows`, `audit_check` | the audit trail: its keys and events, how it is written, whether it is whole |
| `ledger_rows` | what a batch of decisions becomes in the tables |
| `recollection` | the question about earlier cards as SQL |
| `quick_connection` | the short way to SQLite for what a call waits for |
| `database`, `engines`, `failures`, `instants` | one database, its engines, its errors, its times |
| `sqlite_file` | a new SQLite file, and the revision that this version needs |
| `migrate`, `tables`, `migrations` | the schema and its revisions |

`database`, `store` and what they import at once load no SQLAlchemy: a start with SQLite and its calls do without it
until something is written.

The clock belongs to the caller: every time comes in as an argument. Errors and log lines name the kind of failure,
never a value.
"""
