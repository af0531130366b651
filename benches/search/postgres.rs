//! PostgreSQL's own full-text search over the same pages, under the same rule of who may find what, giving the same
//! kind of answer: totals, facets, and the first twenty documents with a snippet each.

use sqlx::{Connection, PgConnection, Row};

use super::laws::Archive;

pub struct Postgres {
    connection: PgConnection,
    /// The text search configuration: Indonesian stems where the server has them.
    pub language: String,
}

const TABLE: &str = "CREATE TABLE page (document INT, page INT, office INT, class INT, open BOOLEAN, granted INT[],
    kind TEXT, year INT, classification TEXT, title TEXT, body TEXT)";

const ANSWER: &str = "
    WITH asked AS (SELECT websearch_to_tsquery($1::regconfig, $2) AS q),
    found AS MATERIALIZED (
        SELECT p.ctid AS place, p.document, p.office, p.kind, p.year, p.classification, ts_rank(p.words, q) AS rank
        FROM page p, asked
        WHERE p.words @@ q AND (p.office = $3 OR p.granted @> ARRAY[$3] OR (p.open AND p.class = 0)) AND p.class < 3),
    best AS MATERIALIZED (SELECT DISTINCT ON (document) * FROM found ORDER BY document, rank DESC),
    top AS (SELECT * FROM best ORDER BY rank DESC LIMIT 20)
    SELECT (SELECT count(*) FROM best) AS total,
        (SELECT json_agg(f) FROM (SELECT office, count(*) FROM best GROUP BY 1 ORDER BY 2 DESC LIMIT 50) f)::text,
        (SELECT json_agg(f) FROM (SELECT kind, count(*) FROM best GROUP BY 1 ORDER BY 2 DESC LIMIT 50) f)::text,
        (SELECT json_agg(f) FROM (SELECT year, count(*) FROM best GROUP BY 1 ORDER BY 2 DESC LIMIT 50) f)::text,
        (SELECT json_agg(f) FROM (SELECT classification, count(*) FROM best GROUP BY 1 ORDER BY 2 DESC LIMIT 50) f)::text,
        (SELECT json_agg(ts_headline($1::regconfig, p.body, q)) FROM top JOIN page p ON p.ctid = top.place, asked)::text";

impl Postgres {
    /// Fills a fresh database at `url` and indexes it.
    pub async fn fill(url: &str, archive: &Archive) -> Postgres {
        let mut connection = PgConnection::connect(url).await.expect("the throw-away server");
        let known = "SELECT 1 FROM pg_ts_config WHERE cfgname = 'indonesian'";
        let known = sqlx::query(known).fetch_optional(&mut connection).await.expect("asked").is_some();
        let language = if known { "indonesian" } else { "simple" }.to_owned();
        // One core for each question, as for ours; and memory enough that nothing is sorted on the disk.
        for setting in ["SET max_parallel_workers_per_gather = 0", "SET jit = off", "SET work_mem = '256MB'", TABLE] {
            sqlx::query(setting).execute(&mut connection).await.expect("a setting");
        }
        let mut copy = connection.copy_in_raw("COPY page FROM STDIN WITH (FORMAT csv)").await.expect("a copy");
        for (at, documents) in archive.documents.chunks(100).enumerate() {
            copy.send(rows(at * 100, documents)).await.expect("rows are sent");
        }
        copy.finish().await.expect("the copy ends");
        sqlx::query("ALTER TABLE page ADD COLUMN words TSVECTOR").execute(&mut connection).await.expect("a column");
        sqlx::query(
            "UPDATE page SET words =
                 setweight(to_tsvector($1::regconfig, title), 'A') || to_tsvector($1::regconfig, body)",
        )
        .bind(&language)
        .execute(&mut connection)
        .await
        .expect("words");
        sqlx::query("CREATE INDEX page_words ON page USING gin (words)")
            .execute(&mut connection)
            .await
            .expect("an index");
        sqlx::query("VACUUM ANALYZE page").execute(&mut connection).await.expect("statistics");
        Postgres { connection, language }
    }

    /// Answers once; gives the total.
    pub async fn ask(&mut self, text: &str, office: u64) -> i64 {
        let office = i32::try_from(office).expect("a small number");
        let asked = sqlx::query(ANSWER).bind(&self.language).bind(text).bind(office);
        asked.fetch_one(&mut self.connection).await.expect("an answer").get("total")
    }
}

fn rows(first: usize, documents: &[lumbung::search::IndexedDocument]) -> Vec<u8> {
    let mut rows = csv::Writer::from_writer(Vec::new());
    for (at, document) in documents.iter().enumerate() {
        let granted: Vec<String> = document.granted.iter().map(u64::to_string).collect();
        let granted = format!("{{{}}}", granted.join(","));
        for (page, text) in &document.pages {
            let row = [
                (first + at).to_string(),
                page.to_string(),
                document.office.to_string(),
                document.class.to_string(),
                document.reach_all.to_string(),
                granted.clone(),
                document.kind.clone().unwrap_or_default(),
                document.year.to_string(),
                document.classification.clone().unwrap_or_default(),
                document.details.title.replace('\0', " "),
                text.replace('\0', " "),
            ];
            rows.write_record(&row).expect("memory");
        }
    }
    rows.into_inner().expect("memory")
}
