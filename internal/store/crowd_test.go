package store

import "testing"

// Large stores are made in the database's own words: to save a million articles
// one by one would take most of the time of what is measured.

const numbers = `WITH RECURSIVE g (i) AS (SELECT CAST(0 AS BIGINT) UNION ALL SELECT i + 1 FROM g WHERE i < CAST($1 AS BIGINT) - 1) `

// generate puts n articles into an empty store, a minute apart, the newest a day
// before monday, in two columns.
func (s fixture) generate(b *testing.B, n int64) {
	b.Helper()
	column := `CASE WHEN i % 2 = 0 THEN '检察要闻' ELSE '通知公告' END`
	newest := ms(monday.AddDate(0, 0, -1))
	s.bare(b,
		statement{`INSERT INTO articles (id, identity, seq, source, url, column_name, title, content, hash, published, date_only, first_seen, available, placed, updated, changed, state, revision) ` + numbers +
			`SELECT '00000000-0000-5000-8000-' || (100000000000 + i), 'https://www.example.org/' || i, i + 1, 'pages', 'https://www.example.org/' || i, ` + column + `, '第' || i || '篇稿件',
			'{"column":"' || ` + column + ` || '","title":"第' || i || '篇稿件","body":"<p>检察机关依法履职。</p>","text":"检察机关依法履职。"}', '', CAST($2 AS BIGINT) - i * 60000, 0, CAST($2 AS BIGINT) - i * 60000, CAST($2 AS BIGINT) - i * 60000,
			CAST($2 AS BIGINT) - i * 60000, CAST($2 AS BIGINT) - i * 60000, CAST($2 AS BIGINT) - i * 60000, 'live', 1 FROM g`, []any{n, newest}},
		statement{`INSERT INTO article_revisions (article_id, revision, saved, updated, content) SELECT id, 1, first_seen, updated, content FROM articles`, nil},
		statement{`UPDATE counters SET value = $1 WHERE name = 'article_seq'`, []any{n}})
	s.learn(b)
}

// crowd puts n people on the list of the weekly digest.
func (s fixture) crowd(b *testing.B, n int64) {
	b.Helper()
	s.bare(b,
		statement{`INSERT INTO subscribers (id, email, name, unit, columns, keywords, format, until, state, listed, origin, changed) ` + numbers +
			`SELECT '00000000-0000-5000-8000-' || (100000000000 + i), 'p' || i || '@example.org', '', '', '[]', '[]', 'html', 0, 'active', 1, 'file', 0 FROM g`, []any{n}},
		statement{`INSERT INTO subscriptions (digest, subscriber_id) SELECT 'weekly', id FROM subscribers`, nil})
	s.learn(b)
}

// learn lets the engine learn what it holds, as it does by itself in time.
func (s fixture) learn(b *testing.B) {
	b.Helper()
	if _, err := s.write.ExecContext(b.Context(), `ANALYZE`); err != nil {
		b.Fatal(err)
	}
}
