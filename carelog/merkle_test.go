package carelog

import (
	"crypto/sha256"
	"hash"
	"testing"

	"github.com/stretchr/testify/require"
)

// treeHash is RFC 6962, 2.1, word for word.
func treeHash(leaves []byte) []byte {
	switch n := len(leaves); n {
	case 0:
		return sha256.New().Sum(nil)
	case 1:
		sum := sha256.Sum256([]byte{0, leaves[0]})
		return sum[:]
	default:
		k := 1
		for k*2 < n {
			k *= 2
		}
		return joined(treeHash(leaves[:k]), treeHash(leaves[k:]))
	}
}

func TestMerkleTreeIsThatOfRFC6962(t *testing.T) {
	t.Parallel()
	var leaves []byte
	var tree merkle
	for n := range byte(70) {
		require.Equal(t, treeHash(leaves), tree.root(), "%d leaves", n)
		leaves = append(leaves, n)
		tree.add(func(h hash.Hash) { h.Write([]byte{n}) })
	}
}
