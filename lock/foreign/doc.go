// Package foreign reads the locks of other tools: requirements.txt with hashes
// (pip-compile, uv), poetry.lock 1.0 to 2.x, Pipfile.lock 6 and pylock.toml (PEP
// 751). It takes out of them what is locked: names, versions, files by hash,
// markers, groups. It decides nothing, and takes no address along: where a lock names the
// index of its team, that stays with the team.
package foreign
