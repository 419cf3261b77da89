// Package house keeps the rules of the house by test: which room may import which,
// where the clock may be read, and what no file may hold. Test files are exempt from
// the rules unless a rule says otherwise.
package house

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "aftercare"

// violation is one broken rule: where, and the sentence that says why it matters.
type violation struct {
	file string
	line int
	why  string
}

func (v violation) String() string { return fmt.Sprintf("%s:%d: %s", v.file, v.line, v.why) }

// source is one parsed Go file, its path relative to the module's root with slashes.
type source struct {
	path string
	fset *token.FileSet
	file *ast.File
}

func (s source) dir() string { return path.Dir(s.path) }

// isTest is true for test files and for packages made for tests only, such as
// migrations/pgtest: their folder says so and they import testing.
func (s source) isTest() bool {
	return strings.HasSuffix(s.path, "_test.go") || strings.HasSuffix(s.dir(), "test") && s.imported("testing") != ""
}

func (s source) isMain() bool { return s.file.Name.Name == "main" }

func (s source) at(pos token.Pos, why string) violation {
	return violation{file: s.path, line: s.fset.Position(pos).Line, why: why}
}

// imported is the name under which this file uses a package, or "" when it does not.
func (s source) imported(importPath string) string {
	for _, spec := range s.file.Imports {
		if importOf(spec) != importPath {
			continue
		}
		if spec.Name != nil {
			return spec.Name.Name
		}
		return path.Base(importPath)
	}
	return ""
}

func importOf(spec *ast.ImportSpec) string {
	value, err := strconv.Unquote(spec.Path.Value)
	if err != nil {
		return spec.Path.Value
	}
	return value
}

// root is the folder of go.mod.
func root(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	require.NoError(t, err)
	for dir != filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		dir = filepath.Dir(dir)
	}
	require.Fail(t, "no go.mod above the test")
	return ""
}

// files lists the paths of the tree that end in one of the extensions, with slashes,
// without what is built, fetched or test data.
func files(t *testing.T, extensions ...string) []string {
	t.Helper()
	base := root(t)
	var found []string
	err := filepath.WalkDir(base, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return skipFolder(base, name)
		}
		for _, extension := range extensions {
			if strings.HasSuffix(name, extension) {
				relative, err := filepath.Rel(base, name)
				if err != nil {
					return err
				}
				found = append(found, filepath.ToSlash(relative))
				return nil
			}
		}
		return nil
	})
	require.NoError(t, err)
	return found
}

func skipFolder(base, name string) error {
	if filepath.Dir(name) == base && filepath.Base(name) == "bin" {
		return fs.SkipDir
	}
	switch filepath.Base(name) {
	case ".git", "node_modules", "testdata":
		return fs.SkipDir
	}
	return nil
}

// sources parses every Go file of the tree.
func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	for _, name := range files(t, ".go") {
		text, err := os.ReadFile(filepath.Join(root(t), filepath.FromSlash(name)))
		require.NoError(t, err)
		all = append(all, parse(t, name, string(text)))
	}
	return all
}

func parse(t *testing.T, name, text string) source {
	t.Helper()
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, text, parser.ParseComments|parser.SkipObjectResolution)
	require.NoError(t, err)
	return source{path: name, fset: fset, file: file}
}

// requireNone fails with every violation, one a line.
func requireNone(t *testing.T, found []violation) {
	t.Helper()
	var lines strings.Builder
	for _, v := range found {
		fmt.Fprintln(&lines, v)
	}
	if lines.Len() > 0 {
		t.Errorf("%d against the rules of the house:\n%s", len(found), lines.String())
	}
}
