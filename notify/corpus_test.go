package notify

import (
	"bufio"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// corpusRow is one realistic reply and what must be understood of it.
type corpusRow struct{ text, answers, mark, unclear, misspelt string }

func readCorpus(t testing.TB) []corpusRow {
	t.Helper()
	file, err := os.Open("testdata/replies.tsv")
	require.NoError(t, err)
	defer func() { require.NoError(t, file.Close()) }()
	var rows []corpusRow
	section, messy := "", 0
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if heading, ok := strings.CutPrefix(lines.Text(), "#"); ok {
			section = heading
			continue
		}
		if section != " -- as instructed" {
			messy++
		}
		f := strings.Split(lines.Text(), "\t")
		require.Len(t, f, 5, "row %q", lines.Text())
		rows = append(rows, corpusRow{strings.ReplaceAll(f[0], `\n`, "\n"), f[1], f[2], f[3], f[4]})
	}
	require.GreaterOrEqual(t, len(rows), 200)
	require.GreaterOrEqual(t, 2*messy, len(rows), "half the corpus is messy")
	return rows
}

// describe writes a reply as the corpus does.
func describe(r Reply) corpusRow {
	orDash := func(s string) string {
		if s == "" {
			return "-"
		}
		return s
	}
	var answers []string
	for _, a := range r.Answers {
		answers = append(answers, a.Code+"="+a.Digit)
	}
	row := corpusRow{answers: orDash(strings.Join(answers, ",")), mark: orDash(r.Mark), unclear: "-"}
	if r.Unclear {
		row.unclear = "unclear"
	}
	var misspelt []string
	for _, a := range r.Misspelt {
		misspelt = append(misspelt, a.Code+"="+a.Digit)
	}
	row.misspelt = orDash(strings.Join(misspelt, ","))
	return row
}

func TestReadUnderstandsTheCorpus(t *testing.T) {
	t.Parallel()
	for _, want := range readCorpus(t) {
		t.Run(want.text, func(t *testing.T) {
			t.Parallel()
			got := describe(Read(want.text))
			got.text = want.text
			require.Equal(t, want, got)
		})
	}
}
