package notify

import (
	"slices"
	"strings"
)

const (
	// codeAlphabet leaves out 0, O, 1, I, L and U, which are confused by eye, by ear or on a keypad.
	codeAlphabet = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
	codeLength   = 5
	codeModulus  = 31
	codeLetters  = len(codeAlphabet) - firstLetter
	firstLetter  = 8 // index of A: a code begins and ends with a letter
)

// codeWeights differ between neighbours and are prime to 31, so that one wrong symbol or one
// swap of neighbours always changes the weighted sum.
var codeWeights = [codeLength]int{4, 3, 7, 6, 1}

// ValidCode reports whether s is a task code: five symbols of the alphabet in upper case, the
// first and the last a letter, the weighted sum divisible by 31.
func ValidCode(s string) bool {
	if len(s) != codeLength {
		return false
	}
	sum := 0
	for i := range codeLength {
		v := strings.IndexByte(codeAlphabet, s[i])
		if v < 0 || ((i == 0 || i == codeLength-1) && v < firstLetter) {
			return false
		}
		sum += codeWeights[i] * v
	}
	return sum%codeModulus == 0
}

// MintCode maps any number to a valid code. The same number gives the same code, and random
// numbers give every valid code with nearly the same chance.
func MintCode(n uint64) string {
	for {
		if code, ok := codeFromPrefix(mix(n)); ok {
			return code
		}
		// A step of SplitMix64: it walks through every 64-bit number, so the loop ends.
		n += 0x9E3779B97F4A7C15
	}
}

// SuggestCodes lists which codes of among, the open asks of a number, are one wrong, missing or
// extra symbol or one swap of neighbours away from what was typed, sorted. It is for asking
// back, never for taking one as meant. Case does not matter; a valid code has no suggestions.
func SuggestCodes(typed string, among []string) []string {
	typed = strings.ToUpper(typed)
	if ValidCode(typed) {
		return nil
	}
	var found []string
	for _, code := range among {
		if ValidCode(code) && oneSlip(typed, code) {
			found = append(found, code)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// oneSlip compares what is left of two texts after their common beginning.
func oneSlip(a, b string) bool {
	for a != "" && b != "" && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	switch len(a) - len(b) {
	case 0:
		return a != "" && (a[1:] == b[1:] || len(a) > 1 && a[0] == b[1] && a[1] == b[0] && a[2:] == b[2:])
	case 1:
		return a[1:] == b
	case -1:
		return a == b[1:]
	}
	return false
}

// codeFromPrefix takes four symbols from n and computes the fifth. There is no code when the
// check would be 30, which is no symbol, or a digit.
func codeFromPrefix(n uint64) (string, bool) {
	var code [codeLength]byte
	sum := 0
	for i := range codeLength - 1 {
		size, offset := len(codeAlphabet), 0
		if i == 0 {
			size, offset = codeLetters, firstLetter
		}
		v := int(n%uint64(size)) + offset
		n /= uint64(size)
		code[i] = codeAlphabet[v]
		sum += codeWeights[i] * v
	}
	check := (codeModulus - sum%codeModulus) % codeModulus
	if check < firstLetter || check >= len(codeAlphabet) {
		return "", false
	}
	code[codeLength-1] = codeAlphabet[check]
	return string(code[:]), true
}

func mix(n uint64) uint64 {
	n = (n ^ n>>30) * 0xBF58476D1CE4E5B9
	n = (n ^ n>>27) * 0x94D049BB133111EB
	return n ^ n>>31
}
