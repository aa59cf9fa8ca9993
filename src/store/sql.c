#include "store/store_internal.h"

#define DOCUMENT_COLUMNS                                                                       \
    "id, path, title, kind, collection, size, inode, mtime_ns, added_ms, hash, state, error, " \
    "warning, n_pages, n_chunks, meta, n_parts"

#define PASSAGE                                                                            \
    "SELECT c.id, c.doc_id, c.ord, c.page, c.page_end, c.line, c.line_end, c.byte_start, " \
    "c.byte_end, c.heading, c.text, c.hash, d.path, d.title, d.kind, d.collection, "       \
    "d.mtime_ns, d.meta FROM chunks c JOIN documents d ON d.id = c.doc_id "

#define AUDIT_DOCUMENT "SELECT id, path, collection, hash, state, n_chunks FROM documents "

const char *const sql_texts[SQL_COUNT] = {
    [SQL_BEGIN_WRITE] = "BEGIN IMMEDIATE",
    [SQL_BEGIN_READ] = "BEGIN",
    [SQL_COMMIT] = "COMMIT",
    [SQL_LIBRARY_GET] = "SELECT generation, next_chunk_id, next_slot, vector_file, vector_bytes, "
                        "n_tail, n_vector_tail FROM library",
    [SQL_LIBRARY_SET] = "UPDATE library SET generation = ?, next_chunk_id = ?, next_slot = ?, "
                        "vector_file = ?, vector_bytes = ?, n_tail = ?, n_vector_tail = ?",
    [SQL_LIBRARY_STATE] =
        "SELECT generation, (SELECT value FROM meta WHERE key = '" META_STAMP "') FROM library",
    [SQL_META_GET] = "SELECT value FROM meta WHERE key = ?",
    [SQL_META_SET] = "INSERT INTO meta(key, value) VALUES(?, ?) ON CONFLICT(key) DO UPDATE SET "
                     "value = excluded.value WHERE value IS NOT excluded.value",
    [SQL_DOCUMENT_PUT] =
        "INSERT INTO documents(path, title, kind, collection, size, inode, mtime_ns, added_ms, "
        "hash, state, error, warning, n_pages, n_chunks, text_bytes, meta) "
        "VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(path) DO UPDATE SET "
        "title = excluded.title, kind = excluded.kind, collection = excluded.collection, "
        "size = excluded.size, inode = excluded.inode, mtime_ns = excluded.mtime_ns, "
        "added_ms = excluded.added_ms, hash = excluded.hash, state = excluded.state, "
        "error = excluded.error, warning = excluded.warning, n_pages = excluded.n_pages, "
        "n_chunks = excluded.n_chunks, text_bytes = excluded.text_bytes, "
        "meta = excluded.meta, n_parts = 0 RETURNING id",
    [SQL_DOCUMENT_TOUCH] =
        "UPDATE documents SET size = ?, inode = ?, mtime_ns = ? WHERE id = ? RETURNING id",
    [SQL_DOCUMENT_EXTEND] =
        "UPDATE documents SET state = ?, hash = ?, added_ms = ?, n_chunks = n_chunks + ?, "
        "text_bytes = text_bytes + ?, n_parts = n_parts + 1 WHERE id = ?",
    [SQL_DOCUMENT_SHRINK] =
        "UPDATE documents SET state = 2, hash = '', error = '', n_parts = max(n_parts, 1), "
        "n_chunks = ?, text_bytes = text_bytes - ? WHERE id = ?",
    [SQL_PARTIAL_FIND] =
        "SELECT d.id, d.size, d.inode, d.mtime_ns, d.n_parts, d.n_chunks, p.part_bytes, p.n_lines, "
        "p.n_bytes FROM documents d JOIN partial p ON p.doc_id = d.id WHERE d.path = ?",
    [SQL_PARTIAL_GET] = "SELECT part_bytes FROM partial WHERE doc_id = ?",
    [SQL_PARTIAL_PUT] = "INSERT OR REPLACE INTO partial(doc_id, part_bytes, n_lines, n_bytes) "
                        "VALUES(?, ?, ?, ?)",
    [SQL_PARTIAL_REMOVE] = "DELETE FROM partial WHERE doc_id = ?",
    [SQL_DOCUMENT_REMOVE] = "DELETE FROM documents WHERE id = ?",
    [SQL_DOCUMENT_GET] = "SELECT " DOCUMENT_COLUMNS " FROM documents WHERE id = ?",
    [SQL_DOCUMENT_FIND] = "SELECT " DOCUMENT_COLUMNS " FROM documents WHERE path = ?",
    [SQL_DOCUMENT_EACH] = "SELECT " DOCUMENT_COLUMNS " FROM documents ORDER BY path",
    [SQL_PATH_EACH] = "SELECT path FROM documents", /* reads the index only */
    [SQL_COLLECTION_EACH] =
        "SELECT collection, count(*) FROM documents GROUP BY collection ORDER BY collection",
    [SQL_CHUNK_ADD] = "INSERT INTO chunks(id, doc_id, ord, page, page_end, line, line_end, "
                      "byte_start, byte_end, heading, text, hash) "
                      "VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    [SQL_CHUNKS_REMOVE] = "DELETE FROM chunks WHERE doc_id = ? AND ord >= ?",
    [SQL_CHUNKS_RUNS] =
        "SELECT min(id), max(id) + 1 FROM chunks WHERE doc_id = ? AND ord >= ? GROUP BY id - ord",
    [SQL_CHUNKS_END] = "SELECT coalesce(sum(length(CAST(text AS BLOB))), 0) FROM chunks "
                       "WHERE doc_id = ? AND ord >= ?",
    [SQL_CHUNKS_COUNT] = "SELECT count(*) FROM chunks WHERE id >= ? AND id < ?",
    [SQL_CHUNK_HAS] = "SELECT 1 FROM chunks WHERE id = ? AND doc_id = ?",
    [SQL_CHUNK_EACH] =
        "SELECT id, doc_id, heading, text, hash FROM chunks WHERE id > ? ORDER BY id LIMIT ?",
    [SQL_CHUNK_RUN_EACH] =
        "SELECT doc_id, min(id), max(id) + 1 FROM chunks GROUP BY doc_id, id - ord ORDER BY 2",
    [SQL_TAIL_ADD] = "INSERT INTO tail(chunk_id, doc_id, n_terms, terms) VALUES(?, ?, ?, ?)",
    [SQL_TAIL_REMOVE] = "DELETE FROM tail WHERE chunk_id >= ? AND chunk_id < ?",
    [SQL_TAIL_EACH] = "SELECT chunk_id, doc_id, n_terms, terms FROM tail WHERE chunk_id > ? "
                      "ORDER BY chunk_id LIMIT ?",
    [SQL_VECTOR_TAIL_ADD] =
        "INSERT INTO vector_tail(chunk_id, doc_id, slot) SELECT c.id, c.doc_id, v.slot "
        "FROM chunk_vectors v CROSS JOIN chunks c ON c.id = v.chunk_id WHERE v.chunk_id = ?",
    [SQL_VECTOR_TAIL_REMOVE] = "DELETE FROM vector_tail WHERE chunk_id >= ? AND chunk_id < ?",
    [SQL_VECTOR_TAIL_REMOVE_ALL] = "DELETE FROM vector_tail",
    [SQL_VECTOR_TAIL_EACH] = "SELECT chunk_id, doc_id, slot FROM vector_tail WHERE chunk_id > ? "
                             "ORDER BY chunk_id LIMIT ?",
    [SQL_MISSING_ADD] = "INSERT INTO missing(chunk_id) VALUES(?)",
    [SQL_MISSING_ADD_ALL] =
        "INSERT INTO missing(chunk_id) SELECT id FROM chunks WHERE true ON CONFLICT DO NOTHING",
    [SQL_MISSING_REMOVE] = "DELETE FROM missing WHERE chunk_id >= ? AND chunk_id < ?",
    [SQL_VECTOR_ADD] =
        "INSERT INTO vectors(id, hash, checksum) VALUES(?, ?, ?) ON CONFLICT(hash) DO NOTHING",
    [SQL_VECTOR_HAS] = "SELECT 1 FROM vectors WHERE hash = ?",
    [SQL_CHUNK_VECTOR_ADD] =
        "INSERT INTO chunk_vectors(chunk_id, slot) SELECT c.id, v.id FROM chunks c "
        "CROSS JOIN vectors v ON v.hash = c.hash WHERE c.id = ? ON CONFLICT DO NOTHING",
    [SQL_CHUNK_VECTOR_GET] = "SELECT slot FROM chunk_vectors WHERE chunk_id = ?",
    [SQL_CHUNK_VECTORS_REMOVE] = "DELETE FROM chunk_vectors WHERE chunk_id >= ? AND chunk_id < ?",
    [SQL_CHUNK_VECTORS_REMOVE_ALL] = "DELETE FROM chunk_vectors",
    [SQL_VECTOR_SUM] = "SELECT checksum FROM vectors WHERE id = ?",
    [SQL_VECTOR_EACH_SLOT] = "SELECT id FROM vectors ORDER BY id",
    [SQL_VECTOR_MISSING] =
        "SELECT c.id, c.heading, c.text, c.hash FROM missing m CROSS JOIN chunks c "
        "ON c.id = m.chunk_id WHERE m.chunk_id > ? ORDER BY m.chunk_id LIMIT ?",
    [SQL_VECTOR_MISSING_ID] = "SELECT chunk_id FROM missing ORDER BY chunk_id",
    [SQL_VECTORS_REMOVE_ALL] = "DELETE FROM vectors",
    [SQL_VECTORS_REMOVE_UNUSED] = "DELETE FROM vectors WHERE NOT EXISTS "
                                  "(SELECT 1 FROM chunk_vectors WHERE slot = vectors.id)",
    [SQL_HOLE_EACH] = "SELECT first, until FROM holes ORDER BY first",
    [SQL_HOLE_ADD] = "INSERT INTO holes(first, until) VALUES(?, ?)",
    [SQL_HOLES_REMOVE_ALL] = "DELETE FROM holes",
    [SQL_SEGMENT_EACH] = "SELECT name, kind, n_rows, size, inode, mtime_ns, checksum, maker "
                         "FROM segments ORDER BY kind, name",
    [SQL_SEGMENT_PUT] = "INSERT OR REPLACE INTO segments(name, kind, n_rows, size, inode, "
                        "mtime_ns, checksum, maker) VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
    [SQL_SEGMENT_REMOVE] = "DELETE FROM segments WHERE name = ? RETURNING name",
    [SQL_SEGMENTS_REMOVE_VECTOR] = "DELETE FROM segments WHERE kind = 2",
    [SQL_DEAD_EACH] = "SELECT first, until FROM dead WHERE kind = ? ORDER BY first",
    [SQL_DEAD_ADD] = "INSERT INTO dead(kind, first, until) VALUES(?, ?, ?) "
                     "ON CONFLICT(kind, first) DO UPDATE SET until = max(until, excluded.until)",
    [SQL_DEAD_JOIN] = "UPDATE OR IGNORE dead SET first = ? WHERE kind = ? AND first = ?",
    [SQL_DEAD_REMOVE] = "DELETE FROM dead WHERE kind = ? AND first = ?",
    [SQL_DEAD_REMOVE_VECTOR] = "DELETE FROM dead WHERE kind = 2",
    [SQL_REMOVE_ALL_TAIL] = "DELETE FROM tail",
    [SQL_REMOVE_ALL_MISSING] = "DELETE FROM missing",
    [SQL_REMOVE_ALL_SEGMENTS] = "DELETE FROM segments",
    [SQL_REMOVE_ALL_DEAD] = "DELETE FROM dead",
    [SQL_REMOVE_ALL_CHUNKS] = "DELETE FROM chunks",
    [SQL_REMOVE_ALL_PARTIAL] = "DELETE FROM partial",
    [SQL_REMOVE_ALL_DOCUMENTS] = "DELETE FROM documents",
    [SQL_PASSAGE_GET] = PASSAGE "WHERE c.id = ?",
    [SQL_PASSAGE_AT] = PASSAGE "WHERE c.doc_id = ? AND c.ord = ?",
    [SQL_AUDIT_DOCUMENT] = AUDIT_DOCUMENT "WHERE id = ?",
    [SQL_AUDIT_DOCUMENT_AT] = AUDIT_DOCUMENT "WHERE path = ?",
    [SQL_AUDIT_DOCUMENTS] = "SELECT collection, n_chunks FROM documents",
    [SQL_AUDIT_LAST] = "SELECT sequence, run, row FROM audit ORDER BY sequence DESC LIMIT 1",
    [SQL_AUDIT_ADD] = "INSERT INTO audit VALUES(?, ?, ?)",
    [SQL_COUNT_DOCUMENTS] = "SELECT count(*), total(state = 1), total(state = 2), total(n_chunks), "
                            "total(text_bytes) FROM documents",
    [SQL_COUNT_VECTORS] = "SELECT (SELECT count(*) FROM vectors), (SELECT count(*) FROM missing), "
                          "(SELECT count(*) FROM segments)",
};
