package carelog_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
)

// After a full story the database holds nothing personal in the clear.
func TestPrivacy(t *testing.T) {
	t.Parallel()
	c := newCounty(t)
	e := c.enrolment("A-1", 176)
	e.Name, e.Phone, e.IDNumber, e.Address = "欧阳柿岭", "15400000777", "990323197206201177", "柿岭村2组14号"
	e.Household = []carelog.Member{{Relation: "儿子", Name: "欧阳小岭", BornOn: calendar.New(2012, 5, 17)}}
	e.Award.Offence = "交通肇事"
	made, err := c.app.EnrolRecipient(c.ctx(), keyed(c.officer, "k1", "h1"), e)
	require.NoError(t, err)
	code := codeIn(t, to(c.send(), contactPhone)[0].Text)
	c.reply(contactPhone, code+" 2 老马摔断了腿")
	c.reply(strangerPhone, "我是他邻居老周")
	c.send()
	_, err = c.app.RecordCheckIn(c.ctx(), c.officer, c.step(made.Recipient, "month-6-phone").ID, carelog.CheckInRecord{Outcome: "reached", Informant: "self", Note: "想申请低保", Needs: "缺煤"})
	require.NoError(t, err)
	_, err = c.app.NoteContact(c.ctx(), c.officer, made.Recipient, carelog.UnplannedContact{Kind: "call_received", Note: "来电问柴火"})
	require.NoError(t, err)
	tasks, err := c.app.Tasks(c.ctx(), c.officer, carelog.Page{Limit: 10})
	require.NoError(t, err)
	for _, task := range tasks {
		require.NoError(t, c.app.ResolveTask(c.ctx(), c.officer, task.ID, "已联系欧阳家"))
	}
	_, err = c.app.PausePlan(c.ctx(), c.officer, made.Plan, calendar.New(2026, 12, 24), "去济南看腿")
	require.NoError(t, err)

	secrets := map[string]string{
		"name": "欧阳柿岭", "member": "欧阳小岭", "phone": "15400000777", "id": "990323197206201177", "address": "2组14号", "offence": "交通肇事", "alias": "2组老马家",
		"contact": "赵某", "contact's phone": "15400000101", "officer": "li某", "officer's phone": "15400000201", "stranger": "15400000909",
		"reply": "摔断了腿", "stranger's reply": "邻居老周", "text": "请协助看望", "note": "申请低保", "needs": "缺煤", "call": "问柴火", "outcome": "已联系欧阳家", "reason": "济南看腿",
	}
	columns := 0
	rows, err := c.pool.Query(c.ctx(), `SELECT table_name, column_name FROM information_schema.columns
		WHERE table_schema = 'public' AND data_type IN ('text', 'bytea', 'ARRAY', 'jsonb', 'json', 'character varying')`)
	require.NoError(t, err)
	var table, column string
	var found [][2]string
	for rows.Next() {
		require.NoError(t, rows.Scan(&table, &column))
		found = append(found, [2]string{table, column})
	}
	require.NoError(t, rows.Err())
	for _, at := range found {
		columns++
		for _, value := range c.values(at[0], at[1]) {
			for what, secret := range secrets {
				require.False(t, bytes.Contains(value, []byte(secret)), "%s stands in the clear in %s.%s", what, at[0], at[1])
			}
		}
	}
	require.Greater(t, columns, 60)

	t.Run("ErrorsAndListsRepeatNoPersonalFact", func(t *testing.T) {
		list := c.checkIns(made.Recipient, "")
		require.Equal(t, "欧阳某某", list[0].MaskedName)
		bad := e
		bad.IDNumber, bad.Phone = "990323197206201178", "154000007"
		_, err := c.app.EnrolRecipient(c.ctx(), c.officer, bad)
		require.Error(t, err)
		for _, secret := range []string{bad.IDNumber, bad.Phone, bad.Name} {
			require.NotContains(t, err.Error(), secret)
		}
	})
}

// values are the raw bytes of a column.
func (c *county) values(table, column string) [][]byte {
	c.t.Helper()
	rows, err := c.pool.Query(c.ctx(), fmt.Sprintf(`SELECT CASE WHEN pg_typeof(%[1]q) = 'bytea'::regtype THEN decode(substr(%[1]q::text, 3), 'hex')
		ELSE convert_to(%[1]q::text, 'UTF8') END FROM %[2]q WHERE %[1]q IS NOT NULL`, column, table))
	require.NoError(c.t, err)
	var values [][]byte
	for rows.Next() {
		var value []byte
		require.NoError(c.t, rows.Scan(&value))
		values = append(values, value)
	}
	require.NoError(c.t, rows.Err())
	return values
}
