package house

import (
	"go/ast"
	"go/token"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// checkCode is every rule that looks into one Go file, the arrows aside.
func checkCode(s source) []violation {
	var found []violation
	for _, check := range []func(source) []violation{checkCalls, checkInit, checkSkips, checkSQL} {
		found = append(found, check(s)...)
	}
	return found
}

// checkCalls reports what a file may not name: the clock, a fresh context, the terminal.
func checkCalls(s source) []violation {
	if s.isTest() {
		return nil
	}
	var found []violation
	if name := s.imported("time"); name != "" && !s.isMain() {
		for _, declaration := range s.file.Decls {
			if isConstructor(declaration) {
				continue
			}
			found = append(found, s.named(declaration, name, []string{"Now", "Since", "Until"},
				"reads the machine's clock: take Now as a field, so that tests and the demo choose the time")...)
		}
	}
	if name := s.imported("context"); name != "" && !s.isMain() {
		found = append(found, s.named(s.file, name, []string{"Background", "TODO"},
			"starts a context of its own: take ctx, so that a shutdown reaches it")...)
	}
	if name := s.imported("fmt"); name != "" && !covers("cmd", s.dir()) {
		found = append(found, s.named(s.file, name, []string{"Print", "Printf", "Println"},
			"writes to the terminal: only commands do; log with slog")...)
	}
	return found
}

// named reports every mention of a package's members below a node, called or passed on.
func (s source) named(node ast.Node, name string, members []string, why string) []violation {
	var found []violation
	ast.Inspect(node, func(n ast.Node) bool {
		if literal, is := n.(*ast.FuncLit); is && hasParameter(literal.Type, name) {
			return false // there the name means something else
		}
		selector, is := n.(*ast.SelectorExpr)
		if !is {
			return true
		}
		if x, is := selector.X.(*ast.Ident); is && x.Name == name && slices.Contains(members, selector.Sel.Name) {
			found = append(found, s.at(selector.Pos(), name+"."+selector.Sel.Name+" "+why))
		}
		return true
	})
	return found
}

// isConstructor is true for functions (not methods: StartPlan is a verb of care) that are
// named New, Open or Start, alone or with a noun behind it.
func isConstructor(declaration ast.Decl) bool {
	function, is := declaration.(*ast.FuncDecl)
	if !is || function.Recv != nil {
		return false
	}
	for _, verb := range []string{"New", "Open", "Start", "new", "open", "start"} {
		rest, begins := strings.CutPrefix(function.Name.Name, verb)
		if next, _ := utf8.DecodeRuneInString(rest); begins && !unicode.IsLower(next) {
			return true
		}
	}
	return false
}

// checkInit reports functions that run unseen at start, in test files too.
func checkInit(s source) []violation {
	var found []violation
	for _, declaration := range s.file.Decls {
		function, is := declaration.(*ast.FuncDecl)
		if is && function.Recv == nil && function.Name.Name == "init" {
			found = append(found, s.at(function.Pos(), "init runs unseen: there is one visible list of routes, workers and commands"))
		}
	}
	return found
}

// checkSkips reports tests that excuse themselves. A skip of a rapid draw is none.
func checkSkips(s source) []violation {
	name := s.imported("testing")
	if name == "" {
		return nil
	}
	var found []violation
	ast.Inspect(s.file, func(n ast.Node) bool {
		var signature *ast.FuncType
		var body *ast.BlockStmt
		switch function := n.(type) {
		case *ast.FuncDecl:
			signature, body = function.Type, function.Body
		case *ast.FuncLit:
			signature, body = function.Type, function.Body
		}
		if body == nil {
			return true
		}
		for _, parameter := range testingParameters(signature, name) {
			found = append(found, s.named(body, parameter, []string{"Skip", "Skipf", "SkipNow"},
				"skips a test: what a test needs, make test installs")...)
		}
		return true
	})
	return found
}

// testingParameters are the names of the parameters of type testing.T, B, F or TB.
func testingParameters(signature *ast.FuncType, testing string) []string {
	var names []string
	for _, field := range signature.Params.List {
		kind := field.Type
		if pointer, is := kind.(*ast.StarExpr); is {
			kind = pointer.X
		}
		selector, is := kind.(*ast.SelectorExpr)
		if !is {
			continue
		}
		if x, is := selector.X.(*ast.Ident); !is || x.Name != testing {
			continue
		}
		for _, name := range field.Names {
			names = append(names, name.Name)
		}
	}
	return names
}

func hasParameter(signature *ast.FuncType, name string) bool {
	for _, field := range signature.Params.List {
		for _, own := range field.Names {
			if own.Name == name {
				return true
			}
		}
	}
	return false
}

var (
	databaseClock = regexp.MustCompile(`(?i)\b(now\s*\(\s*\)|(clock|statement|transaction)_timestamp\s*\(\s*\)|current_(timestamp|date)\b|localtimestamp\b)`)
	sqlComment    = regexp.MustCompile(`--[^\n]*`)
)

// checkSQL reports statements of carelog and jobs that ask the database for the time.
func checkSQL(s source) []violation {
	if s.isTest() || !covers("carelog", s.dir()) && !covers("jobs", s.dir()) {
		return nil
	}
	var found []violation
	ast.Inspect(s.file, func(n ast.Node) bool {
		literal, is := n.(*ast.BasicLit)
		if !is || literal.Kind != token.STRING {
			return true
		}
		text, err := strconv.Unquote(literal.Value)
		if err == nil {
			found = append(found, clockInSQL(s.path, text, s.fset.Position(literal.Pos()).Line)...)
		}
		return true
	})
	return found
}

// clockInSQL looks through one statement or file that begins at the given line.
func clockInSQL(name, text string, first int) []violation {
	var found []violation
	for i, line := range strings.Split(text, "\n") {
		if asked := databaseClock.FindString(sqlComment.ReplaceAllString(line, "")); asked != "" {
			found = append(found, violation{
				file: name, line: first + i,
				why: asked + " reads the database's clock: pass the injected time as a parameter, so that a rule can be tested on any day",
			})
		}
	}
	return found
}
