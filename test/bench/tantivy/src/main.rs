//! The Tantivy crate behind the commands of a lexical engine (test/bench/lexical_engines.py):
//!
//!     tantivy_rival build CORPUS.txt FOLDER
//!     tantivy_rival query FOLDER QUERIES.txt --k 50 --runs N [--results FILE]
//!
//! One text field with frequencies and lengths, no positions, nothing stored; words are what stands
//! between blanks. One indexing thread, one segment at the end. A query is the union of its words;
//! its time holds taking the line apart, and is the least of all runs.
use std::error::Error;
use std::fs;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;
use std::time::Instant;

use tantivy::collector::TopDocs;
use tantivy::indexer::NoMergePolicy;
use tantivy::query::{BooleanQuery, Occur, Query, TermQuery};
use tantivy::schema::{Field, IndexRecordOption, Schema, TextFieldIndexing, TextOptions, FAST};
use tantivy::{DocAddress, Index, IndexWriter, Score, Searcher, TantivyDocument, Term};

const MEMORY_BYTES: usize = 2_000_000_000;
const LINES: &str = "line";
const WORDS: &str = "words";

type Outcome<T> = Result<T, Box<dyn Error>>;

fn schema() -> Schema {
    let mut builder = Schema::builder();
    let indexing = TextFieldIndexing::default()
        .set_tokenizer("whitespace")
        .set_index_option(IndexRecordOption::WithFreqs)
        .set_fieldnorms(true);
    builder.add_text_field(WORDS, TextOptions::default().set_indexing_options(indexing));
    builder.add_u64_field(LINES, FAST);
    builder.build()
}

fn folder_bytes(folder: &Path) -> Outcome<u64> {
    let mut total = 0;
    for entry in fs::read_dir(folder)? {
        total += entry?.metadata()?.len();
    }
    Ok(total)
}

fn build(corpus: &str, folder: &str) -> Outcome<()> {
    if Path::new(folder).exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)?;
    let started = Instant::now();
    let index = Index::create_in_dir(folder, schema())?;
    let (words, line_number) = (index.schema().get_field(WORDS)?, index.schema().get_field(LINES)?);
    let mut writer: IndexWriter = index.writer_with_num_threads(1, MEMORY_BYTES)?;
    writer.set_merge_policy(Box::new(NoMergePolicy));
    let mut n_rows = 0u64;
    for line in BufReader::new(fs::File::open(corpus)?).lines() {
        let mut document = TantivyDocument::default();
        document.add_text(words, line?);
        document.add_u64(line_number, n_rows);
        writer.add_document(document)?;
        n_rows += 1;
    }
    writer.commit()?;
    let segments = index.searchable_segment_ids()?;
    if segments.len() > 1 {
        writer.merge(&segments).wait()?;
        writer.garbage_collect_files().wait()?;
    }
    writer.wait_merging_threads()?;
    println!(
        "{{\"rows\": {}, \"seconds\": {:.3}, \"bytes\": {}, \"segments_before_merge\": {}}}",
        n_rows,
        started.elapsed().as_secs_f64(),
        folder_bytes(Path::new(folder))?,
        segments.len()
    );
    Ok(())
}

fn search(searcher: &Searcher, words: Field, line: &str, k: usize) -> Outcome<Vec<(Score, DocAddress)>> {
    let clauses: Vec<(Occur, Box<dyn Query>)> = line
        .split_whitespace()
        .map(|word| {
            let term = Term::from_field_text(words, word);
            let query: Box<dyn Query> = Box::new(TermQuery::new(term, IndexRecordOption::WithFreqs));
            (Occur::Should, query)
        })
        .collect();
    Ok(searcher.search(&BooleanQuery::new(clauses), &TopDocs::with_limit(k).order_by_score())?)
}

fn write_results(searcher: &Searcher, words: Field, lines: &[String], k: usize, path: &str) -> Outcome<()> {
    let mut out = BufWriter::new(fs::File::create(path)?);
    let mut columns = Vec::new();
    for segment in searcher.segment_readers() {
        columns.push(segment.fast_fields().u64(LINES)?);
    }
    for line in lines {
        let mut texts = Vec::new();
        for (score, address) in search(searcher, words, line, k)? {
            let row = columns[address.segment_ord as usize].first(address.doc_id).ok_or("a row without its line")?;
            texts.push(format!("{row}:{score:.5}"));
        }
        writeln!(out, "{}", texts.join(" "))?;
    }
    Ok(out.flush()?)
}

struct Options {
    k: usize,
    n_runs: usize,
    results: Option<String>,
}

fn query(folder: &str, queries: &str, options: &Options) -> Outcome<()> {
    let index = Index::open_in_dir(folder)?;
    let words = index.schema().get_field(WORDS)?;
    let searcher = index.reader()?.searcher();
    let lines: Vec<String> = fs::read_to_string(queries)?.lines().map(str::to_string).collect();
    let mut least = vec![f64::INFINITY; lines.len()];
    for _ in 0..options.n_runs {
        for (line, ms) in lines.iter().zip(least.iter_mut()) {
            let started = Instant::now();
            std::hint::black_box(search(&searcher, words, line, options.k)?);
            *ms = ms.min(started.elapsed().as_secs_f64() * 1e3);
        }
    }
    if let Some(path) = &options.results {
        write_results(&searcher, words, &lines, options.k, path)?;
    }
    least.sort_by(f64::total_cmp);
    let at = |share: usize| least[(lines.len() * share / 100).min(lines.len() - 1)];
    println!(
        "{{\"queries\": {}, \"p50_ms\": {:.4}, \"p99_ms\": {:.4}, \"mean_ms\": {:.4}, \"segments\": {}, \"version\": \"{}\"}}",
        lines.len(),
        at(50),
        at(99),
        least.iter().sum::<f64>() / lines.len() as f64,
        searcher.segment_readers().len(),
        tantivy::version_string()
    );
    Ok(())
}

fn parse_options(words: &[String]) -> Outcome<Options> {
    let mut options = Options { k: 50, n_runs: 3, results: None };
    for pair in words.chunks(2) {
        match pair {
            [name, value] if name == "--k" => options.k = value.parse()?,
            [name, value] if name == "--runs" => options.n_runs = value.parse()?,
            [name, value] if name == "--results" => options.results = Some(value.clone()),
            _ => return Err(format!("not an option: {}", pair.join(" ")).into()),
        }
    }
    Ok(options)
}

fn main() -> Outcome<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.first().map(String::as_str) {
        Some("build") if words.len() == 3 => build(&words[1], &words[2]),
        Some("query") if words.len() >= 3 => query(&words[1], &words[2], &parse_options(&words[3..])?),
        _ => Err("tantivy_rival build CORPUS FOLDER | query FOLDER QUERIES [--k K] [--runs N] [--results FILE]".into()),
    }
}
