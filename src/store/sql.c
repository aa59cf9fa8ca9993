#include "store/sql.h"

#define DOCUMENT_COLUMNS                                                                       \
    "id, path, title, kind, collection, size, inode, mtime_ns, added_ms, hash, state, error, " \
    "warning, n_pages, n_chunks, meta"

#define PASSAGE                                                                                 \
    "SELECT c.id, c.doc_id, c.ord, c.page, c.page_end, c.line, c.line_end, c.byte_start, "      \
    "c.byte_end, c.heading, c.text, c.hash, d.path, d.title, d.kind, d.collection, d.mtime_ns " \
    "FROM chunks c JOIN documents d ON d.id = c.doc_id "

const char *const sql_texts[SQL_COUNT] = {
    [SQL_BEGIN_WRITE] = "BEGIN IMMEDIATE",
    [SQL_BEGIN_READ] = "BEGIN",
    [SQL_COMMIT] = "COMMIT",
    [SQL_GENERATION] = "SELECT generation FROM library",
    [SQL_GENERATION_ADD] = "UPDATE library SET generation = generation + 1",
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
        "meta = excluded.meta RETURNING id",
    [SQL_DOCUMENT_TOUCH] =
        "UPDATE documents SET size = ?, inode = ?, mtime_ns = ? WHERE id = ? RETURNING id",
    [SQL_DOCUMENT_REMOVE] = "DELETE FROM documents WHERE id = ? RETURNING id",
    [SQL_DOCUMENT_GET] = "SELECT " DOCUMENT_COLUMNS " FROM documents WHERE id = ?",
    [SQL_DOCUMENT_FIND] = "SELECT " DOCUMENT_COLUMNS " FROM documents WHERE path = ?",
    [SQL_DOCUMENT_EACH] = "SELECT " DOCUMENT_COLUMNS " FROM documents ORDER BY path",
    [SQL_PATH_EACH] = "SELECT path FROM documents", /* reads the index only */
    [SQL_COLLECTION_EACH] =
        "SELECT collection, count(*) FROM documents GROUP BY collection ORDER BY collection",
    [SQL_CHUNK_ADD] = "INSERT INTO chunks(doc_id, ord, page, page_end, line, line_end, byte_start, "
                      "byte_end, heading, text, hash) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    [SQL_CHUNKS_REMOVE] = "DELETE FROM chunks WHERE doc_id = ?",
    [SQL_TAIL_ADD] = "INSERT INTO tail(chunk_id, doc_id, vector_id, n_terms, terms) "
                     "VALUES(?, ?, (SELECT id FROM vectors WHERE hash = ?), ?, ?)",
    [SQL_TAIL_REMOVE] =
        "DELETE FROM tail WHERE chunk_id IN (SELECT id FROM chunks WHERE doc_id = ?)",
    [SQL_TAIL_LINK] = "UPDATE tail SET vector_id = (SELECT id FROM vectors WHERE hash = ?1) "
                      "WHERE vector_id IS NULL AND chunk_id IN "
                      "(SELECT id FROM chunks WHERE hash = ?1)",
    [SQL_TAIL_UNLINK_ALL] = "UPDATE tail SET vector_id = NULL WHERE vector_id IS NOT NULL",
    [SQL_TAIL_EACH_ID] = "SELECT chunk_id, doc_id, n_terms, NULL, NULL FROM tail ORDER BY chunk_id",
    [SQL_TAIL_EACH_TERMS] =
        "SELECT chunk_id, doc_id, n_terms, terms, NULL FROM tail ORDER BY chunk_id",
    [SQL_TAIL_EACH_VECTOR] = "SELECT t.chunk_id, t.doc_id, t.n_terms, NULL, v.fp16 FROM tail t "
                             "LEFT JOIN vectors v ON v.id = t.vector_id ORDER BY t.chunk_id",
    [SQL_TAIL_EACH_BOTH] = "SELECT t.chunk_id, t.doc_id, t.n_terms, t.terms, v.fp16 FROM tail t "
                           "LEFT JOIN vectors v ON v.id = t.vector_id ORDER BY t.chunk_id",
    [SQL_VECTOR_ADD] = "INSERT INTO vectors(hash, fp16) VALUES(?, ?) ON CONFLICT(hash) DO NOTHING",
    [SQL_VECTOR_HAS] = "SELECT 1 FROM vectors WHERE hash = ?",
    [SQL_VECTOR_MISSING] =
        "SELECT c.id, c.heading, c.text, c.hash FROM tail t JOIN chunks c ON c.id = t.chunk_id "
        "WHERE t.vector_id IS NULL AND t.chunk_id > ? ORDER BY t.chunk_id LIMIT ?",
    [SQL_VECTOR_MISSING_ID] = "SELECT chunk_id FROM tail WHERE vector_id IS NULL ORDER BY chunk_id",
    [SQL_VECTORS_REMOVE_ALL] = "DELETE FROM vectors",
    [SQL_VECTORS_REMOVE_UNUSED] = "DELETE FROM vectors WHERE NOT EXISTS "
                                  "(SELECT 1 FROM chunks WHERE chunks.hash = vectors.hash)",
    [SQL_REMOVE_ALL_TAIL] = "DELETE FROM tail",
    [SQL_REMOVE_ALL_CHUNKS] = "DELETE FROM chunks",
    [SQL_REMOVE_ALL_DOCUMENTS] = "DELETE FROM documents",
    [SQL_PASSAGE_GET] = PASSAGE "WHERE c.id = ?",
    [SQL_PASSAGE_AT] = PASSAGE "WHERE c.doc_id = ? AND c.ord = ?",
    [SQL_COUNT_DOCUMENTS] = "SELECT count(*), total(state = 1), total(n_chunks), "
                            "total(text_bytes) FROM documents",
    [SQL_COUNT_VECTORS] = "SELECT (SELECT count(*) FROM vectors), "
                          "(SELECT count(*) FROM tail WHERE vector_id IS NULL)",
};
