package calendar

import (
	"bytes"
	"flag"
	"fmt"
	"go/format"
	"os"
	"testing"
	"time"

	lunar "github.com/6tail/lunar-go/calendar"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write festivals.go anew from the lunar calendar")

func TestFestivals(t *testing.T) {
	t.Parallel()
	require.Equal(t, 2100, lastYear)
	text, err := os.ReadFile("festivals.go")
	require.NoError(t, err)
	head, _, found := bytes.Cut(text, []byte("var festivals"))
	require.True(t, found)
	rows := bytes.NewBuffer(head)
	rows.WriteString("var festivals = [...]festival{\n")
	for year := firstYear; year <= lastYear; year++ {
		f := compute(year)
		fmt.Fprintf(rows, "\t{%d, %d, %d, %d}, // %d\n", f.spring, f.qingming, f.dragonBoat, f.midAutumn, year)
	}
	rows.WriteString("}\n")
	if *update {
		require.NoError(t, os.WriteFile("festivals.go", formatted(t, rows.Bytes()), 0o644))
		return
	}
	for year := firstYear; year <= lastYear; year++ {
		require.Equal(t, compute(year), festivals[year-firstYear], year)
	}
}

// compute asks the library. A leap moon has a negative number and is never meant.
func compute(year int) festival {
	solar := func(month, day int) int {
		s := lunar.NewLunarFromYmd(year, month, day).GetSolar()
		return s.GetMonth()*100 + s.GetDay()
	}
	qingming := lunar.NewSolarFromYmd(year, int(time.April), 20).GetLunar().GetJieQiTable()["清明"]
	return festival{spring: solar(1, 1), qingming: qingming.GetMonth()*100 + qingming.GetDay(), dragonBoat: solar(5, 5), midAutumn: solar(8, 15)}
}

func formatted(t *testing.T, code []byte) []byte {
	t.Helper()
	code, err := format.Source(code)
	require.NoError(t, err)
	return code
}
