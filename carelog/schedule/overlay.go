package schedule

import "slices"

// The tiers that lay extra steps over a template.
const (
	Amber = "amber"
	Red   = "red"
)

// Overlay is what a tier adds to a template at once, from the day it rose until
// it goes down (design, Meanings): amber the monthly contact of K, red the steps
// of H. What the template asks for anyway is not asked for twice: K and C have
// their monthly contact, H all but the first contact within 24 hours.
func Overlay(tier string, t Template) []Step {
	var steps []Step
	switch {
	case tier == Red:
		steps = append(steps, Step{
			Key: "tier-red-contact", Title: "红色预警24小时内首次安全联系", Kind: Phone, Anchor: Tier,
			OffsetDays: 1, LeadDays: 1, GraceWorkdays: 1, RealTime: true,
		})
		if t.Key != "H" {
			steps = append(steps,
				Step{
					Key: "tier-red-village", Title: "红色预警每周村委会询问", Kind: Village, Anchor: Tier,
					OffsetDays: 7, EveryDays: 7, LeadDays: weeklyLead, GraceWorkdays: 1, AsksVillage: true,
				},
				Step{
					Key: "tier-red-home", Title: "红色预警每月上门走访", Kind: Home, Anchor: Tier,
					OffsetDays: 30, EveryDays: 30, LeadDays: homeLead, GraceWorkdays: 1, Scored: true, Policy: MinGap, GapDays: 14,
				})
		}
	case tier == Amber && !slices.Contains([]string{"K", "C", "H"}, t.Key):
		steps = append(steps,
			Step{
				Key: "tier-amber-phone", Title: "黄色预警每月联系电话回访", Kind: Phone, Anchor: Tier,
				OffsetDays: 7, EveryDays: 60, LeadDays: phoneLead, GraceWorkdays: 5,
			},
			Step{
				Key: "tier-amber-village", Title: "黄色预警每月联系村委会询问", Kind: Village, Anchor: Tier,
				OffsetDays: 37, EveryDays: 60, LeadDays: villageLead, GraceWorkdays: 5, AsksVillage: true,
			})
	}
	return Filled(steps)
}

// With is the template with more steps, the template itself unchanged.
func (t Template) With(more []Step) Template {
	t.Steps = slices.Concat(t.Steps, more)
	return t
}

// NeedsBirth tells whether any step depends on the recipient's birth date.
func (t Template) NeedsBirth() bool {
	return slices.ContainsFunc(t.Steps, func(s Step) bool { return s.Anchor == Birthday || s.UntilAge > 0 })
}

// NeedsVisits tells whether any step depends on when visits were made.
func (t Template) NeedsVisits() bool {
	return slices.ContainsFunc(t.Steps, func(s Step) bool { return s.Policy != Fixed })
}

// MovedBy tells whether a visit of a step changes the date of anything ahead.
func (t Template) MovedBy(step string, kind Kind) bool {
	return slices.ContainsFunc(t.Steps, func(s Step) bool {
		return s.Policy == Rolling && s.Key == step || s.Policy == MinGap && s.Kind == kind
	})
}
