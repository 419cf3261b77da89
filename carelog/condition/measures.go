package condition

import "slices"

// Measure is a kind of help that a partner body can give (domain 2, the care
// measures). Its text is the key that databases and programs use.
type Measure string

// measure is a measure's page: its names, and the domains it can better.
type measure struct {
	key              Measure
	chinese, english string
	domains          []Domain
}

var measures = []measure{
	{"dibao", "低保", "minimum living allowance", []Domain{BasicNeeds, Income}},
	{"tekun", "特困供养", "support for the destitute", []Domain{BasicNeeds, Income, Care}},
	{"temporary_aid", "临时救助", "temporary aid", []Domain{BasicNeeds, Income}},
	{"medical_aid", "医疗救助", "medical aid", []Domain{Health}},
	{"disability_cert", "残疾证", "disability certificate", []Domain{Health, Care}},
	{"disability_subsidy", "残疾人两项补贴", "disability subsidies", []Domain{Income, Care}},
	{"orphan_or_unsupported_child", "孤儿或事实无人抚养儿童保障", "allowance for unsupported children", []Domain{Children, Income, BasicNeeds}},
	{"education_aid", "教育救助", "education aid", []Domain{Children}},
	{"housing_aid", "住房救助", "housing aid", []Domain{Housing}},
	{"employment", "就业帮扶", "help to find work", []Domain{Income}},
	{"industry_support", "产业帮扶", "support for small production", []Domain{Income}},
	{"psych_support", "心理疏导", "psychological support", []Domain{Wellbeing}},
	{"legal_aid", "法律援助", "legal aid", []Domain{FundsLegal, Safety}},
	{"support_suit", "支持起诉", "support of a suit", []Domain{FundsLegal}},
	{"guardianship", "监护监督", "supervision of guardianship", []Domain{Children, Care, Safety}},
	{"veteran_support", "退役军人帮扶", "support for veterans", []Domain{Income, Health, Support}},
	{"womens_fed", "妇联关爱", "care by the women's federation", []Domain{Safety, Wellbeing, Support, Children}},
	{"union_relief", "工会帮扶", "relief by the union", []Domain{BasicNeeds, Income}},
	{"charity_red_cross", "慈善或红十字救助", "charity or Red Cross", []Domain{BasicNeeds, Income, Health}},
	{"poverty_monitoring", "防返贫监测", "monitoring against poverty", []Domain{BasicNeeds, Income}},
	{"volunteer", "志愿服务", "volunteers", []Domain{Support, Care, Wellbeing}},
	{"household_registration", "户籍办理", "household registration", []Domain{Children, Support}},
	{"fund_supervision", "资金监管", "supervision of the money", []Domain{FundsLegal}},
}

// Measures lists the known measures in the order of the domain's table.
func Measures() []Measure {
	keys := make([]Measure, len(measures))
	for i, m := range measures {
		keys[i] = m.key
	}
	return keys
}

// Touches lists the domains a measure can better; none for an unknown one.
func (m Measure) Touches() []Domain { return slices.Clone(m.page().domains) }

// Chinese names the measure for people; unknown measures are empty.
func (m Measure) Chinese() string { return m.page().chinese }

// English names the measure for people; unknown measures are empty.
func (m Measure) English() string { return m.page().english }

func (m Measure) touches(d Domain) bool { return slices.Contains(m.page().domains, d) }

func (m Measure) page() measure {
	for _, page := range measures {
		if page.key == m {
			return page
		}
	}
	return measure{}
}
