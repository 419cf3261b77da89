package carelog_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"aftercare/carelog"
)

func TestSearch(t *testing.T) {
	t.Parallel()
	c, asked, code := asked(t)
	e := c.enrolment("沂检救助[2026]17号", 3)
	e.Name, e.Phone, e.IDNumber = "欧阳小明", "15400000771", "990323197206201177"
	other, err := c.app.EnrolRecipient(c.ctx(), c.officer, e)
	require.NoError(t, err)
	find := func(by carelog.Actor, words string) (ids []carelog.RecipientID, because [][]string) {
		t.Helper()
		found, err := c.app.Search(c.ctx(), by, words)
		require.NoError(t, err)
		for _, h := range found.Items {
			ids, because = append(ids, h.Recipient), append(because, h.By)
			require.Contains(t, h.MaskedName, "某")
		}
		return ids, because
	}

	for words, by := range map[string]string{
		"欧阳某某": "name", "欧阳": "name", "欧阳大山": "name", "0771": "last_four", "1177": "last_four", "[2026]17号": "external_id", " 欧阳  0771 ": "name last_four",
	} {
		t.Run("FindsOneFileBy/"+words, func(t *testing.T) {
			ids, because := find(c.officer, words)
			require.Equal(t, []carelog.RecipientID{other.Recipient}, ids, "a full name finds whoever is masked alike, and tells no more")
			for _, kind := range because[0] {
				require.Contains(t, by, kind)
			}
		})
	}
	t.Run("FindsByTaskCodeAndByVillage", func(t *testing.T) {
		ids, because := find(c.officer, code)
		require.Equal(t, []carelog.RecipientID{asked.Recipient}, ids)
		require.Equal(t, []string{"task_code"}, because[0])
		ids, _ = find(c.boss, "柿岭")
		require.ElementsMatch(t, []carelog.RecipientID{asked.Recipient, other.Recipient}, ids)
		ids, _ = find(c.boss, "南麻 欧阳")
		require.Equal(t, []carelog.RecipientID{other.Recipient}, ids)
	})
	t.Run("FindsNothingWhereOneWordDoesNotFit", func(t *testing.T) {
		for _, words := range []string{"欧阳 0772", "小明", "阳", "号", "东里镇"} {
			ids, _ := find(c.officer, words)
			require.Empty(t, ids, words)
		}
	})
	t.Run("ASisterOfficeFindsNothingAndTheAuditHoldsNoWords", func(t *testing.T) {
		sister := c.addUser(c.addOffice("370324", "邻县人民检察院", carelog.OfficeID{}), "qian", "", carelog.Supervisor)
		for _, words := range []string{"欧阳", code, "0771", "柿岭"} {
			ids, _ := find(sister, words)
			require.Empty(t, ids, words)
		}
		require.Positive(t, c.count("SELECT count(*) FROM audit WHERE act = 'files_searched' AND detail = 'last_four name: 1'"))
		require.Zero(t, c.count("SELECT count(*) FROM audit WHERE detail LIKE '%0771%' OR detail LIKE '%欧阳%'"))
	})
	t.Run("RefusesNoWordTooManyWordsAndAdministrators", func(t *testing.T) {
		for _, words := range []string{" ", "a b c d e f"} {
			_, err := c.app.Search(c.ctx(), c.officer, words)
			require.Equal(t, carelog.Invalid, carelog.KindOf(err))
		}
		_, err := c.app.Search(c.ctx(), c.admin, "欧阳")
		require.Equal(t, carelog.Forbidden, carelog.KindOf(err))
	})
}
