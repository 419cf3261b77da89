package notify

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestValidCode(t *testing.T) {
	t.Parallel()
	t.Run("AcceptsTheCodesOfTheDesign", func(t *testing.T) {
		t.Parallel()
		require.True(t, ValidCode("K7Q2M"))
		require.True(t, ValidCode("P4X9T"))
	})
	t.Run("RefusesEverythingElse", func(t *testing.T) {
		t.Parallel()
		for _, s := range []string{"", "K7Q2", "K7Q2MM", "k7q2m", "K7Q2N", "7KQ2M", "K7O2M", "K7Q2任", "22222"} {
			require.False(t, ValidCode(s), s)
		}
	})
}

func TestMintCode(t *testing.T) {
	t.Parallel()
	t.Run("GivesAValidCodeForAnyNumberAndTheSameAgain", func(t *testing.T) {
		t.Parallel()
		rapid.Check(t, func(rt *rapid.T) {
			n := rapid.Uint64().Draw(rt, "n")
			code := MintCode(n)
			require.True(rt, ValidCode(code), code)
			require.Equal(rt, code, MintCode(n))
		})
	})
	t.Run("SpreadsOverTheWholeAlphabet", func(t *testing.T) {
		t.Parallel()
		first, seen := map[byte]int{}, map[string]bool{}
		const n = 44_000
		for i := range uint64(n) {
			code := MintCode(i)
			first[code[0]]++
			seen[code] = true
		}
		require.Len(t, first, codeLetters)
		for symbol, count := range first {
			require.InDelta(t, n/codeLetters, count, 400, "first symbol %c", symbol)
		}
		// 44,000 of about 421,000 codes: chance alone repeats about 2,200.
		require.Greater(t, len(seen), 41_000)
	})
}

func TestOneMistakeIsNeverAnotherCode(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		code := MintCode(rapid.Uint64().Draw(rt, "n"))
		for i := range len(code) {
			for _, symbol := range codeAlphabet {
				if wrong := code[:i] + string(symbol) + code[i+1:]; wrong != code {
					require.False(rt, ValidCode(wrong), "%s for %s", wrong, code)
				}
			}
			if i > 0 && code[i-1] != code[i] {
				swapped := code[:i-1] + code[i:i+1] + code[i-1:i] + code[i+1:]
				require.False(rt, ValidCode(swapped), "%s for %s", swapped, code)
			}
		}
	})
}

func TestSuggestCodes(t *testing.T) {
	t.Parallel()
	open := []string{"P4X9T", "K7Q2M", "K7Q2M"}
	t.Run("FindsTheOpenAskOneSlipAway", func(t *testing.T) {
		t.Parallel()
		for typed, meant := range map[string]string{
			"K7Q2N": "K7Q2M", "K7O2M": "K7Q2M", "7KQ2M": "K7Q2M", "K72QM": "K7Q2M", "k7q2n": "K7Q2M", "K7QM": "K7Q2M",
			"K77Q2M": "K7Q2M", "P4X8T": "P4X9T", "7Q2M": "K7Q2M", "K7Q2": "K7Q2M", "K7Q2MM": "K7Q2M", "K7Q20": "K7Q2M",
		} {
			require.Equal(t, []string{meant}, SuggestCodes(typed, open), typed)
		}
	})
	t.Run("NeverNamesACodeThatIsNotAmongThem", func(t *testing.T) {
		t.Parallel()
		require.Empty(t, SuggestCodes("K7Q2N", []string{"P4X9T"}))
		require.Empty(t, SuggestCodes("K7Q2N", nil))
		require.Empty(t, SuggestCodes("K7Q2N", []string{"K7Q2", "K7Q2X"}), "what is no code is never suggested")
	})
	t.Run("SuggestsNothingForTwoSlipsOrAValidCode", func(t *testing.T) {
		t.Parallel()
		for _, typed := range []string{"", "K7", "K7Q2M", "P4X9T", "OOOOO", "K7Q", "K7XXM", "7KQM2", "K7Q2MP4X9T"} {
			require.Empty(t, SuggestCodes(typed, open), typed)
		}
	})
	t.Run("FindsEveryCodeAgainAfterAnySlip", func(t *testing.T) {
		t.Parallel()
		rapid.Check(t, func(rt *rapid.T) {
			code := MintCode(rapid.Uint64().Draw(rt, "n"))
			at := rapid.IntRange(0, len(code)-1).Draw(rt, "at")
			symbol := string(rapid.SampledFrom([]rune(codeAlphabet)).Draw(rt, "symbol"))
			for _, typed := range []string{code[:at] + symbol + code[at+1:], code[:at] + code[at+1:], code[:at] + symbol + code[at:]} {
				if typed != code {
					require.Equal(rt, []string{code}, SuggestCodes(typed, []string{code}), typed)
				}
			}
		})
	})
}
