"""Texts that an installation starts with; the secretariat edits them on the pages. Both languages are data."""

PURPOSE_JA = """\
この調査は、職員一人ひとりの人材育成とキャリア形成のために行います。

・人事評価には使いません。評価、昇任、給与には一切用いず、評価を行う者が評価のために閲覧することもありません。
・入力した内容を見るのは、本人、今のメンター、事務局です。回答中の内容は本人だけが見ます(本人の求めで事務局が代わりに入力するときは、本人に通知します)。所属の局担当が見るのは提出の進み具合だけで、レベルは見ません。
・事務局やメンターがレベルを閲覧すると、日時、閲覧者、目的が記録されます。記録は本人がいつでも確認できます。
・1on1の共有メモは本人とメンターが見ます。メンターの自分用メモは書いたメンターだけが見ますが、開示請求の対象になり得ます。
・組織ごとの集計は、5人未満の数値が分からない形でのみ示し、研修の計画や配置の検討に役立てます。
・確定したレベルに納得できないときは、訂正を申し出ることができます。
"""

PURPOSE_EN = (
    "This check serves the development and the career of each member of staff.\n"
    "\n"
    "- It is not used for personnel evaluation: not for appraisal, promotion or pay, and nobody reads it in order"
    " to evaluate.\n"
    "- What you enter is read by you, by your present mentor and by the secretariat. While you are answering, "
    "only you read it (you are told where the secretariat enters something for you at your wish). The coordinator"
    " of your bureau sees how far you are, never a level.\n"
    "- Whenever the secretariat or a mentor reads levels, the time, the reader and the purpose are recorded. You "
    "can read this record at any time.\n"
    "- The shared note of a 1on1 is read by you and your mentor. A mentor's private memo is read by that mentor "
    "alone, though a disclosure request may cover it.\n"
    "- Figures about organisations are shown only where they do not stand for fewer than five people; they help "
    "to plan training and placement.\n"
    "- If you do not agree with a confirmed level, you can ask for its correction.\n"
)
