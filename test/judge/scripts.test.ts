// Any script: what was decided on a few texts tells the next of their kind from honest ones, in their own writing.
import { describe, expect, test } from 'vitest';
import { extractFeatures } from '../../src/judge/features.ts';
import { Model } from '../../src/judge/model.ts';
import type { Label } from '../../src/submission.ts';

const scripts: { script: string; spam: string[]; ham: string[]; nextSpam: string; nextHam: string }[] = [
  {
    script: 'Chinese',
    spam: ['专业办理各类证件，加微信详谈', '低价代写论文，包过，加微信', '正规借款平台，秒到账，加微信咨询'],
    ham: ['谢谢分享，照着做面包真的发起来了', '请问全麦粉要加多少水？', '我奶奶也是这样揉面的，好怀念'],
    nextSpam: '代写报告，包过，加微信详谈',
    nextHam: '请问揉面要加多少水？谢谢',
  },
  {
    script: 'Japanese',
    spam: [
      '即日融資、審査なし、今すぐお電話ください',
      '副業で月収百万円、無料登録はこちら',
      'ブランド激安、送料無料、今すぐ登録',
    ],
    ham: [
      'とても参考になりました、パンがふくらみました',
      '強力粉は何グラム必要ですか',
      '祖母も同じ作り方でした、懐かしいです',
    ],
    nextSpam: '審査なしで即日、今すぐ無料登録',
    nextHam: '全粒粉だと何グラム必要ですか、参考にします',
  },
  {
    script: 'Thai',
    spam: ['สมัครสมาชิกวันนี้รับเครดิตฟรี', 'กู้เงินด่วนไม่ต้องค้ำประกัน ทักไลน์', 'แทงบอลออนไลน์ ฝากถอนอัตโนมัติ'],
    ham: ['ขอบคุณมากค่ะ ทำตามแล้วขนมปังนุ่มมาก', 'ใช้แป้งกี่กรัมคะ', 'คุณยายก็ทำแบบนี้ คิดถึงเลย'],
    nextSpam: 'สมัครวันนี้ เครดิตฟรี ฝากถอนอัตโนมัติ',
    nextHam: 'ขนมปังนุ่มมาก ใช้แป้งกี่กรัม ขอบคุณค่ะ',
  },
  {
    script: 'Arabic',
    spam: [
      'قروض فورية بدون ضمانات تواصل واتساب',
      'اربح المال من المنزل سجل الآن مجانا',
      'شحن متابعين بأرخص الأسعار واتساب',
    ],
    ham: ['شكرا على الوصفة نجح الخبز معي', 'كم نحتاج من الدقيق الأسمر؟', 'جدتي كانت تعجن بهذه الطريقة'],
    nextSpam: 'سجل الآن واربح، بدون ضمانات، واتساب',
    nextHam: 'كم من الدقيق؟ شكرا على الوصفة',
  },
  {
    script: 'Cyrillic',
    spam: [
      'Займ без отказа за пять минут, пишите в телеграм',
      'Продвижение сайтов недорого, гарантия',
      'Работа на дому, доход ежедневно, пишите',
    ],
    ham: ['Спасибо за рецепт, хлеб получился пышный', 'Сколько нужно ржаной муки?', 'Бабушка так же месила тесто'],
    nextSpam: 'Доход без отказа, пишите в телеграм, гарантия',
    nextHam: 'Спасибо, а сколько муки для пышного хлеба?',
  },
  {
    script: 'emoji',
    spam: ['🎰🎰💰 👉', '💰💰🔥 👉 🎰', '🍑🔞 👉 💋'],
    ham: ['👏👏 🥖', '🥖😋', '😂😂 🙏'],
    nextSpam: '🎰 💰 👉',
    nextHam: '🥖 👏',
  },
  {
    script: 'mixed scripts',
    spam: ['VIP 会员 bonus 100% бонус 登录', 'bonus 登录 casino онлайн', 'VIP бонус casino 会员'],
    ham: ['Danke, 面包 ist gelungen 👍', 'Спасибо für das Rezept', '请问 sourdough 怎么做?'],
    nextSpam: 'casino 会员 бонус VIP',
    nextHam: 'Danke für sourdough 面包',
  },
];

describe.each(scripts)('in $script', ({ spam, ham, nextSpam, nextHam }) => {
  test('a few decisions tell the next spam from the next honest text', () => {
    const model = new Model();
    const featuresOf = (content: string) => extractFeatures({ kind: 'comment', author: { name: 'A' }, content }, model);
    const learn = (content: string, label: Label) =>
      model.learn({ packed: featuresOf(content).packed, label, surprise: 4 });
    for (const text of spam) learn(text, 'spam');
    for (const text of ham) learn(text, 'ham');
    const spamScore = model.score(featuresOf(nextSpam)).probability;
    const hamScore = model.score(featuresOf(nextHam)).probability;
    expect(spamScore).toBeGreaterThan(0.5);
    expect(hamScore).toBeLessThan(0.5);
    expect(spamScore - hamScore).toBeGreaterThan(0.3);
  });
});
