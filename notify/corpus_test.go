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
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "#") {
			continue
		}
		f := strings.Split(lines.Text(), "\t")
		require.Len(t, f, 5, "row %q", lines.Text())
		rows = append(rows, corpusRow{strings.ReplaceAll(f[0], `\n`, "\n"), f[1], f[2], f[3], f[4]})
	}
	require.GreaterOrEqual(t, len(rows), 80)
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
	row.misspelt = orDash(strings.Join(r.Misspelt, ","))
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
