# shellcheck shell=bash
# What the image `data` has on top of `core`.

check sqlite3 sqlite3 :memory: 'select 42'
check 'python: duckdb' python3 -c 'import duckdb; assert duckdb.sql("select 6 * 7").fetchall() == [(42,)]'
