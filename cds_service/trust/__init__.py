"""Who may call, and as whom.

| module | |
| --- | --- |
| `clients` | `Client`, `Clients`: who is trusted, with what, for whom |
| `client_file`, `client_entry` | the file that names them, read strictly; adding one to it |
| `tokens`, `reasons` | verifying a token; why one is refused |
| `keys`, `key_set` | a key and what it may verify; a JWK Set |
| `key_ring`, `fetching` | which keys a client has now; fetching a set from an address that was judged |
| `allowance` | how often a client may call |
| `inspection` | what an operator asks of a client's keys |

`clients`, `keys` and `allowance` load no cryptography and no HTTP client: a sandbox does without.
"""
