package notify

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestSegments(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text string
		want int
	}{
		"NoneWhenEmpty":              {"", 0},
		"OneOf160Septets":            {strings.Repeat("a", 160), 1},
		"TwoOf161Septets":            {strings.Repeat("a", 161), 2},
		"TwoOf306Septets":            {strings.Repeat("a", 306), 2},
		"ThreeOf307Septets":          {strings.Repeat("a", 307), 3},
		"EuroCostsTwoSeptets":        {strings.Repeat("€", 80), 1},
		"EuroPairIsNotSplit":         {strings.Repeat("a", 152) + "€" + strings.Repeat("a", 152), 3},
		"OneOf70CodeUnits":           {strings.Repeat("好", 70), 1},
		"TwoOf71CodeUnits":           {strings.Repeat("好", 71), 2},
		"TwoOf134CodeUnits":          {strings.Repeat("好", 134), 2},
		"ThreeOf135CodeUnits":        {strings.Repeat("好", 135), 3},
		"EmojiCostsTwoCodeUnits":     {strings.Repeat("😀", 35), 1},
		"SurrogatePairIsNotSplit":    {strings.Repeat("好", 66) + "😀" + strings.Repeat("好", 66), 3},
		"OneChineseSymbolMakesItAll": {strings.Repeat("a", 70) + "好", 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, Segments(c.text))
		})
	}
}

func TestSegmentsNeverShrinkWhenATextGrows(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		text := rapid.String().Draw(rt, "text")
		longer := text + rapid.String().Draw(rt, "more")
		require.LessOrEqual(rt, Segments(text), Segments(longer))
	})
}
