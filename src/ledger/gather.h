/* Inside src/ledger/: the write-ahead log in large writes. */
#ifndef IPND_LEDGER_GATHER_H
#define IPND_LEDGER_GATHER_H

/*
 * The name of an SQLite VFS that is the default one but for the write-ahead log. Of each page SQLite writes a head of 24 bytes and
 * then the page; here what is to stand side by side is gathered and written at once, at the latest when it is read, measured,
 * cut or synced, or when the writer's lock is given up: nothing comes later. So what a sync has promised is on disk as ever. For
 * synchronous=FULL, where a commit syncs before others see it; with less another process may see what is not written yet. NULL: out
 * of memory.
 */
const char *gather_vfs(void);

#endif
