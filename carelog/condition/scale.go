// Package condition knows how the life of a household is scored, and which
// changes mean that it gets worse: the ten-domain scale, its index and the
// rules over it. It is pure: no clock, no database.
package condition

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
)

// Domain is one side of a household's life. Its text is the key that
// databases, files and programs use.
type Domain string

// The ten domains, D1 to D10.
const (
	BasicNeeds Domain = "basic_needs"
	Income     Domain = "income"
	Housing    Domain = "housing"
	Health     Domain = "health"
	Care       Domain = "care"
	Children   Domain = "children"
	Wellbeing  Domain = "wellbeing"
	Safety     Domain = "safety"
	FundsLegal Domain = "funds_legal"
	Support    Domain = "support"
)

const domainCount = 10

var domains = [domainCount]Domain{
	BasicNeeds, Income, Housing, Health, Care, Children, Wellbeing, Safety, FundsLegal, Support,
}

// Domains lists the ten domains in order, D1 first.
func Domains() []Domain { return slices.Clone(domains[:]) }

// Code returns D1 to D10, or empty for an unknown domain.
func (d Domain) Code() string {
	i := d.position()
	if i < 0 {
		return ""
	}
	return fmt.Sprintf("D%d", i+1)
}

// Chinese names the domain for people; unknown domains are empty.
func (d Domain) Chinese() string {
	entry, _ := d.Describe()
	return entry.Chinese
}

// English names the domain for people; unknown domains are empty.
func (d Domain) English() string {
	entry, _ := d.Describe()
	return entry.English
}

// Entry is a domain's page in the scale: its names and what each score from 0
// to 4 means, in both languages.
type Entry struct {
	Domain  Domain `json:"domain"`
	Chinese string `json:"zh"`
	English string `json:"en"`
	// HomeOnly marks what only a visit can see; a phone call carries the last
	// home value instead.
	HomeOnly      bool                `json:"home_only,omitempty"`
	LadderChinese [ladderSteps]string `json:"ladder_zh"`
	LadderEnglish [ladderSteps]string `json:"ladder_en"`
}

// Scale returns the whole scale in the order of Domains.
func Scale() []Entry { return slices.Clone(scale()) }

// Describe returns the domain's entry; false for an unknown domain.
func (d Domain) Describe() (Entry, bool) {
	i := d.position()
	if i < 0 {
		return Entry{}, false
	}
	return scale()[i], true
}

func (d Domain) position() int { return slices.Index(domains[:], d) }

//go:embed scale.json
var scaleJSON []byte

// The file is part of the binary, so a fault in it is a fault of the build and
// no caller could act on it; the tests read it.
var scale = sync.OnceValue(func() []Entry {
	var entries []Entry
	if err := json.Unmarshal(scaleJSON, &entries); err != nil {
		panic(fmt.Sprintf("condition: read scale.json: %v", err))
	}
	return entries
})
