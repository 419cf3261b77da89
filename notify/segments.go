package notify

import "strings"

const (
	// gsmBasic is the default alphabet of GSM 03.38, one septet a symbol.
	gsmBasic = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?" +
		"¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
	// gsmExtension costs two septets a symbol: an escape and the symbol.
	gsmExtension = "\f^{}\\[~]|€"

	gsmSingle, gsmJoined   = 160, 153
	ucs2Single, ucs2Joined = 70, 67
)

// Segments counts the parts a carrier sends and bills for a text: GSM-7 where every symbol has a
// place in its tables, else UCS-2 counted in UTF-16 code units. An escape or surrogate pair is
// never split between two parts. An empty text has none.
func Segments(text string) int {
	if sizes, ok := septets(text); ok {
		return parts(sizes, gsmSingle, gsmJoined)
	}
	return parts(codeUnits(text), ucs2Single, ucs2Joined)
}

func septets(text string) (sizes []int, ok bool) {
	for _, r := range text {
		switch {
		case strings.ContainsRune(gsmBasic, r):
			sizes = append(sizes, 1)
		case strings.ContainsRune(gsmExtension, r):
			sizes = append(sizes, 2)
		default:
			return nil, false
		}
	}
	return sizes, true
}

func codeUnits(text string) (sizes []int) {
	for _, r := range text {
		if r > 0xFFFF {
			sizes = append(sizes, 2)
			continue
		}
		sizes = append(sizes, 1)
	}
	return sizes
}

// parts packs symbols of size 1 or 2 greedily; joined parts are smaller because each carries a
// header that says which part it is.
func parts(sizes []int, single, joined int) int {
	total := 0
	for _, size := range sizes {
		total += size
	}
	switch {
	case total == 0:
		return 0
	case total <= single:
		return 1
	}
	count, room := 1, joined
	for _, size := range sizes {
		if size > room {
			count, room = count+1, joined
		}
		room -= size
	}
	return count
}
