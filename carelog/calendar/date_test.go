package calendar

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgtype"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// anyDate draws a date between 1900 and 2150.
func anyDate() *rapid.Generator[Date] {
	return rapid.Custom(func(t *rapid.T) Date {
		return New(1900, time.January, 1).AddDays(rapid.IntRange(0, 91_000).Draw(t, "days"))
	})
}

func TestDateText(t *testing.T) {
	t.Parallel()

	t.Run("ParsesWhatItWrites", func(t *testing.T) {
		t.Parallel()
		rapid.Check(t, func(t *rapid.T) {
			d := anyDate().Draw(t, "d")
			parsed, err := Parse(d.String())
			require.NoError(t, err)
			require.Equal(t, d, parsed)
		})
	})
	t.Run("RefusesWithoutRepeatingTheText", func(t *testing.T) {
		t.Parallel()
		for _, text := range []string{"", "2026-02-30", "2026/11/24", "24.11.2026", "2026-11-24T00:00:00Z", "0000-01-01", "990323199001011234"} {
			_, err := Parse(text)
			require.Error(t, err, text)
			require.NotContains(t, err.Error(), "990323")
		}
	})
	t.Run("SurvivesJSONAsValueAndKey", func(t *testing.T) {
		t.Parallel()
		type doc struct {
			Due  Date
			None Date
			Per  map[Date]int
		}
		in := doc{Due: New(2026, 11, 24), Per: map[Date]int{New(2026, 1, 1): 3}}
		text, err := json.Marshal(in)
		require.NoError(t, err)
		require.JSONEq(t, `{"Due":"2026-11-24","None":"","Per":{"2026-01-01":3}}`, string(text))
		var out doc
		require.NoError(t, json.Unmarshal(text, &out))
		require.Equal(t, in, out)
		require.Error(t, json.Unmarshal([]byte(`{"Due":"tomorrow"}`), &out))
	})
	t.Run("SpeaksChinese", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, "11月24日", New(2026, 11, 24).Chinese())
		require.Equal(t, "1月2日", New(2027, 1, 2).Chinese())
		require.Empty(t, Date{}.Chinese())
	})
}

func TestDateInPostgres(t *testing.T) {
	t.Parallel()
	types := pgtype.NewMap()

	t.Run("RoundTripsAsDate", func(t *testing.T) {
		t.Parallel()
		for _, want := range []Date{{}, New(2026, 11, 24), New(1958, 3, 1)} {
			wire, err := types.Encode(pgtype.DateOID, pgtype.BinaryFormatCode, want, nil)
			require.NoError(t, err)
			got := New(1999, 1, 1)
			require.NoError(t, types.Scan(pgtype.DateOID, pgtype.BinaryFormatCode, wire, &got))
			require.Equal(t, want, got)
		}
	})
	t.Run("RoundTripsAsDateArray", func(t *testing.T) {
		t.Parallel()
		want := []Date{New(2026, 11, 24), {}, New(2027, 2, 9)}
		wire, err := types.Encode(pgtype.DateArrayOID, pgtype.BinaryFormatCode, want, nil)
		require.NoError(t, err)
		var got []Date
		require.NoError(t, types.Scan(pgtype.DateArrayOID, pgtype.BinaryFormatCode, wire, &got))
		require.Equal(t, want, got)
	})
	t.Run("ScansTextBytesAndNil", func(t *testing.T) {
		t.Parallel()
		var d Date
		require.NoError(t, d.Scan("2026-11-24"))
		require.Equal(t, New(2026, 11, 24), d)
		require.NoError(t, d.Scan([]byte("2026-11-25")))
		require.Equal(t, New(2026, 11, 25), d)
		require.NoError(t, d.Scan(nil))
		require.True(t, d.IsZero())
		require.Error(t, d.Scan(20261124))
	})
}

func TestDateArithmetic(t *testing.T) {
	t.Parallel()

	t.Run("TakesTheShanghaiDateOfAnInstant", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, New(2026, 11, 24), Of(time.Date(2026, 11, 23, 16, 0, 0, 0, time.UTC)))
		require.Equal(t, New(2026, 11, 23), Of(time.Date(2026, 11, 23, 15, 59, 59, 0, time.UTC)))
		require.True(t, Of(time.Time{}).IsZero())
	})
	t.Run("GivesInstantsInShanghai", func(t *testing.T) {
		t.Parallel()
		at := New(2026, 11, 24).At(8, 30)
		require.True(t, at.Equal(time.Date(2026, 11, 24, 0, 30, 0, 0, time.UTC)))
		require.Equal(t, "Asia/Shanghai", at.Location().String())
		require.True(t, Date{}.At(8, 30).IsZero())
	})
	t.Run("AgreesWithTheStandardLibrary", func(t *testing.T) {
		t.Parallel()
		rapid.Check(t, func(t *rapid.T) {
			d := anyDate().Draw(t, "d")
			n := rapid.IntRange(-20_000, 20_000).Draw(t, "n")
			std := time.Date(d.Year(), d.Month(), d.Day()+n, 0, 0, 0, 0, time.UTC)
			later := d.AddDays(n)
			require.Equal(t, std.Format(layout), later.String())
			require.Equal(t, std.Weekday(), later.Weekday())
			require.Equal(t, n, later.Sub(d))
			require.Equal(t, n < 0, later.Before(d))
			require.Equal(t, n > 0, later.After(d))
		})
	})
	t.Run("ClampsMonthsToTheirEnd", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, "2027-02-28", New(2027, 1, 31).AddMonths(1).String())
		require.Equal(t, "2028-02-29", New(2028, 1, 31).AddMonths(1).String())
		require.Equal(t, "2026-12-31", New(2027, 1, 31).AddMonths(-1).String())
		require.Equal(t, "2027-02-28", New(2024, 2, 29).AddYears(3).String())
	})
	t.Run("LeavesNoDateAlone", func(t *testing.T) {
		t.Parallel()
		require.True(t, Date{}.AddDays(5).IsZero())
		require.True(t, Date{}.AddMonths(5).IsZero())
		require.Empty(t, Date{}.String())
	})
	t.Run("CountsCompletedYears", func(t *testing.T) {
		t.Parallel()
		born := New(2010, 6, 1)
		require.Equal(t, 15, born.Age(New(2026, 5, 31)))
		require.Equal(t, 16, born.Age(New(2026, 6, 1)))
		require.Equal(t, 0, born.Age(New(2009, 1, 1)))
		require.Equal(t, 17, New(2008, 2, 29).Age(New(2026, 2, 28)))
		require.Equal(t, 18, New(2008, 2, 29).Age(New(2026, 3, 1)))
		require.Equal(t, 0, Date{}.Age(New(2026, 3, 1)))
	})
}
