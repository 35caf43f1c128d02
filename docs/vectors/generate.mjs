#!/usr/bin/env node
// Writes the vectors beside it: `node docs/vectors/generate.mjs [FOLDER]`. It follows README.md and shares nothing with the C# code, so that
// the two judge each other. The same every time: its chance comes from SHA-256.
import { createHash, createPrivateKey, createPublicKey, sign } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = process.argv[2] ?? dirname(fileURLToPath(import.meta.url));
const NOON = 1_800_000_000;
const NOON_MS = NOON * 1000;
const HOUR = 3600;
const DAY = 24 * HOUR;

// ---------------------------------------------------------------- chance

let counter = 0;
const sha256 = (...parts) => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
};
const next = () => sha256(`stories/vectors/${counter++}`).readUIntBE(0, 6);
const below = n => next() % n;
const between = (low, high) => low + below(high - low + 1);
const oneOf = list => list[below(list.length)];
const chance = oneIn => below(oneIn) === 0;
const times = (n, make) => Array.from({ length: n }, (_, i) => make(i));
const guid = number => `${number.toString(16).padStart(8, '0')}-0000-0000-0000-000000000000`;

// ---------------------------------------------------------------- JSON as it is signed

const SHORT = { 8: '\\b', 9: '\\t', 10: '\\n', 12: '\\f', 13: '\\r', 92: '\\\\' };
function text(value) {
  let out = '"';
  for (let i = 0; i < value.length; i++) {
    const unit = value.charCodeAt(i);
    if (SHORT[unit]) out += SHORT[unit];
    else if (unit < 32 || unit > 126 || '"&\'+<>`'.includes(value[i])) out += '\\u' + unit.toString(16).toUpperCase().padStart(4, '0');
    else out += value[i];
  }
  return out + '"';
}
function canonical(value) {
  if (typeof value === 'string') return text(value);
  if (value instanceof Uint8Array) return `"${Buffer.from(value).toString('base64')}"`;
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (value === null || typeof value !== 'object') return String(value);
  return `{${Object.entries(value).filter(([, v]) => v !== null && v !== undefined).map(([k, v]) => `${text(k)}:${canonical(v)}`).join(',')}}`;
}

// ---------------------------------------------------------------- the gate

const POLICY = { firstPeople: 3, firstSeconds: 20, peopleBetween: 4, secondsBetween: 45, perSession: 3, perDay: 20, maxPerMille: 150, adsApart: 1, skipsBeforeDoubling: 2 };
const age = (at, now) => Math.max(0, now - at);

function gate({ policy, session, shown, thinning, damagedAt, boundary, now }) {
  const rules = [
    ['insideOnePerson', () => boundary.insideOnePerson],
    ['inReplies', () => boundary.inReplies],
    ['lastInTray', () => boundary.unseenPeopleAhead === 0],
    ['sensitive', () => boundary.isSensitive],
    ['newAccount', () => boundary.isNewAccount],
    ['logDamaged', () => damagedAt !== null && age(damagedAt, now) < 30 * DAY * 1000],
    ['tooFewPeople', () => session.people === 0 || session.peopleSinceAd === 0],
    ['firstPeople', () => session.people < policy.firstPeople],
    ['firstSeconds', () => age(session.begin, now) < policy.firstSeconds * 1000],
  ];
  const last = shown.length === 0 ? Infinity : Math.min(...shown.map(at => age(at, now)));
  const distance = thinning * (policy.skipsBeforeDoubling > 0 && session.quickSkips >= policy.skipsBeforeDoubling ? 2 : 1);
  const isApart = session.ads > 0 || last < 30 * 60 * 1000;
  rules.push(
    ['peopleBetween', () => isApart && session.peopleSinceAd < distance * policy.peopleBetween],
    ['secondsBetween', () => isApart && last < distance * policy.secondsBetween * 1000],
    ['perSession', () => session.ads * thinning >= policy.perSession],
    ['perDay', () => shown.filter(at => age(at, now) < DAY * 1000).length * thinning >= policy.perDay],
    ['share', () => (session.ads + 1) * thinning * 1000 > policy.maxPerMille * (session.statuses + session.ads + 1)]);
  return rules.find(([, holds]) => holds())?.[0] ?? 'open';
}

function gateCases() {
  const base = {
    policy: POLICY, session: { begin: NOON_MS - 600_000, people: 10, peopleSinceAd: 10, statuses: 40, ads: 0, quickSkips: 0 }, shown: [], thinning: 1, damagedAt: null,
    boundary: { insideOnePerson: false, unseenPeopleAhead: 1, isSensitive: false, inReplies: false, isNewAccount: false }, now: NOON_MS,
  };
  const bend = (name, change) => {
    const bent = structuredClone(base);
    change(bent);
    return { name, ...bent };
  };
  const named = [
    bend('nothing speaks against it', () => {}),
    bend('inside one person', c => (c.boundary.insideOnePerson = true)),
    bend('among replies', c => (c.boundary.inReplies = true)),
    bend('nobody follows', c => (c.boundary.unseenPeopleAhead = 0)),
    bend('somebody muted is next', c => (c.boundary.isSensitive = true)),
    bend('a new account', c => (c.boundary.isNewAccount = true)),
    bend('damaged just now', c => (c.damagedAt = NOON_MS)),
    bend('damaged a moment less than 30 days ago', c => (c.damagedAt = NOON_MS - 30 * DAY * 1000 + 1)),
    bend('damaged 30 days ago', c => (c.damagedAt = NOON_MS - 30 * DAY * 1000)),
    bend('damaged in the future', c => (c.damagedAt = NOON_MS + 1)),
    bend('nobody seen', c => Object.assign(c.session, { people: 0, peopleSinceAd: 0 })),
    bend('nobody seen since the last', c => Object.assign(c.session, { ads: 1, peopleSinceAd: 0 })),
    bend('two people', c => Object.assign(c.session, { people: 2, peopleSinceAd: 2 })),
    bend('19.999 s', c => (c.session.begin = NOON_MS - 19_999)),
    bend('20 s', c => (c.session.begin = NOON_MS - 20_000)),
    bend('begun in the future', c => (c.session.begin = NOON_MS + 1)),
    bend('three people between', c => (Object.assign(c.session, { ads: 1, peopleSinceAd: 3 }), c.shown.push(NOON_MS - 300_000))),
    bend('44.999 s between', c => (Object.assign(c.session, { ads: 1, peopleSinceAd: 4 }), c.shown.push(NOON_MS - 44_999))),
    bend('45 s between', c => (Object.assign(c.session, { ads: 1, peopleSinceAd: 4 }), c.shown.push(NOON_MS - 45_000))),
    bend('a clock set back', c => (Object.assign(c.session, { ads: 1, peopleSinceAd: 9 }), c.shown.push(NOON_MS + 1_000_000))),
    bend('the last is not the one written last', c => (Object.assign(c.session, { ads: 1, peopleSinceAd: 9 }), c.shown.push(NOON_MS - 10_000, NOON_MS - 100_000))),
    bend('another session half an hour ago', c => (Object.assign(c.session, { people: 3, peopleSinceAd: 3 }), c.shown.push(NOON_MS - 1_800_000))),
    bend('another session a moment less ago', c => (Object.assign(c.session, { people: 3, peopleSinceAd: 3 }), c.shown.push(NOON_MS - 1_799_999))),
    bend('two quick skips double people', c => (Object.assign(c.session, { ads: 1, peopleSinceAd: 7, quickSkips: 2 }), c.shown.push(NOON_MS - 300_000))),
    bend('two quick skips double seconds', c => (Object.assign(c.session, { ads: 1, peopleSinceAd: 8, quickSkips: 2 }), c.shown.push(NOON_MS - 89_999))),
    bend('and no more than that', c => (Object.assign(c.session, { ads: 1, peopleSinceAd: 8, quickSkips: 4 }), c.shown.push(NOON_MS - 90_000))),
    bend('skips never double when the policy says 0', c => (Object.assign(c.session, { ads: 1, peopleSinceAd: 4, quickSkips: 4 }), c.shown.push(NOON_MS - 45_000), c.policy.skipsBeforeDoubling = 0)),
    bend('see less', c => (Object.assign(c.session, { ads: 1, peopleSinceAd: 7 }), c.shown.push(NOON_MS - 300_000), c.thinning = 2)),
    bend('see less and skips', c => (Object.assign(c.session, { ads: 1, peopleSinceAd: 15, quickSkips: 2 }), c.shown.push(NOON_MS - 300_000), c.thinning = 2)),
    bend('half of three in a session is two', c => (Object.assign(c.session, { ads: 1, peopleSinceAd: 15, statuses: 400 }), c.shown.push(NOON_MS - 300_000), c.thinning = 2)),
    bend('and no more', c => (Object.assign(c.session, { ads: 2, peopleSinceAd: 15, statuses: 400 }), c.shown.push(NOON_MS - 300_000), c.thinning = 2)),
    bend('three in a session', c => (Object.assign(c.session, { ads: 3, statuses: 400 }), c.shown.push(NOON_MS - 300_000))),
    bend('20 in a day', c => (c.shown = times(20, i => NOON_MS - 3_600_000 * (i + 1)))),
    bend('20 in a day and a moment', c => (c.shown = [...times(19, i => NOON_MS - 3_600_000 * (i + 1)), NOON_MS - DAY * 1000])),
    bend('five statuses', c => (c.session.statuses = 5)),
    bend('six statuses', c => (c.session.statuses = 6)),
    bend('exactly a fifth', c => ((c.session.statuses = 4), (c.policy.maxPerMille = 200))),
    bend('begun in the future, and no seconds asked for', c => ((c.session.begin = NOON_MS + 1), (c.policy.firstSeconds = 0))),
  ];
  const random = times(180, i => {
    const people = chance(12) ? 0 : between(1, 20);
    const ads = chance(2) ? 0 : between(1, 4);
    return {
      name: `random ${i}`,
      policy: {
        firstPeople: between(1, 4), firstSeconds: between(0, 40), peopleBetween: between(1, 5), secondsBetween: between(0, 90), perSession: between(1, 5), perDay: between(1, 8),
        maxPerMille: between(50, 500), adsApart: 1, skipsBeforeDoubling: between(0, 3),
      },
      session: { begin: NOON_MS - between(-5_000, 300_000), people, peopleSinceAd: chance(8) ? 0 : between(Math.min(2, people), people), statuses: people * between(1, 3), ads, quickSkips: between(0, ads) },
      shown: times(ads + between(0, 4), () => NOON_MS - (chance(3) ? between(0, 2 * DAY * 1000) : between(-5_000, 3_000_000))),
      thinning: oneOf([1, 1, 1, 2, 4]), damagedAt: chance(20) ? NOON_MS - between(0, 60 * DAY) * 1000 : null,
      boundary: { insideOnePerson: chance(20), unseenPeopleAhead: chance(20) ? 0 : between(1, 9), isSensitive: chance(25), inReplies: chance(30), isNewAccount: chance(30) },
      now: NOON_MS,
    };
  });
  return [...named, ...random].map(c => ({ ...c, expect: gate(c) }));
}

// ---------------------------------------------------------------- caps and choice

const LEVELS = ['creative', 'line', 'campaign', 'advertiser', 'all'];
const TIERS = ['sponsorship', 'guaranteed', 'standard', 'house'];

function reached(cap, line, creative, shown, now) {
  const same = { creative: s => s.creative === creative, line: s => s.line === line.id, campaign: s => s.campaign === line.campaign, advertiser: s => s.advertiser === line.advertiser, all: () => true };
  return shown.filter(s => same[cap.level](s) && age(s.at, now) < cap.seconds * 1000).length >= cap.most;
}

function turns(line, shown) {
  const last = shown.filter(s => s.line === line.id).at(-1);
  const at = last ? line.creatives.indexOf(last.creative) : -1;
  return [...line.creatives.slice(at + 1), ...line.creatives.slice(0, at + 1)];
}

function lineForPerson(c, line) {
  if (c.hiddenLines.includes(line.id) || c.hiddenAdvertisers.includes(line.advertiser)) return 'hidden';
  const isFor = (list, mine) => list.length === 0 || list.includes(mine);
  return isFor(line.countries, c.country) && isFor(line.languages, c.language) ? null : 'notForThePlace';
}

function creativeForPerson(c, digest) {
  const creative = c.creatives.find(o => o.digest === digest);
  if (!creative) return 'notReady';
  if (c.hiddenCreatives.includes(digest)) return 'hidden';
  return creative.adultsOnly && c.age !== 'adult' ? 'adultsOnly' : null;
}

// [refusal or null, creative or null]
function judge(c, line) {
  const seconds = Math.floor(c.now / 1000);
  if (!line.windows.some(w => w.from <= seconds && seconds < w.to)) return ['outsideWindow', null];
  const personal = lineForPerson(c, line);
  if (personal) return [personal, null];
  const caps = [...line.caps, ...c.policyCaps];
  if (caps.some(cap => cap.level !== 'creative' && reached(cap, line, null, c.shown, c.now))) return ['capped', null];
  const near = c.adsApart === 0 ? [] : c.shown.slice(-c.adsApart);
  if (near.some(s => age(s.at, c.now) < HOUR * 1000 && (s.advertiser === line.advertiser || (line.category != null && s.category === line.category)))) return ['tooNear', null];
  const refusals = [];
  for (const digest of turns(line, c.shown)) {
    const refusal = creativeForPerson(c, digest) ?? (caps.some(cap => cap.level === 'creative' && reached(cap, line, digest, c.shown, c.now)) ? 'capped' : null) ?? (c.ready.includes(digest) ? null : 'notReady');
    if (refusal === null) return [null, digest];
    refusals.push(refusal);
  }
  return [refusals[0], null];
}

function draw(seed, id) {
  const hash = sha256(seed, Buffer.from(id.replaceAll('-', ''), 'hex'));
  return { pass: hash[31] % 64, log: minusLog2(BigInt(hash.readUInt32BE(0)) + 1n) };
}

function minusLog2(u) {
  let whole = 0n;
  while (u >> (whole + 1n) > 0n) whole++;
  if (whole === 32n) return 0n;
  let x = u << (31n - whole);
  let fraction = 0n;
  for (let i = 0; i < 24; i++) {
    x = (x * x) >> 31n;
    fraction *= 2n;
    if (x >= 1n << 32n) {
      x >>= 1n;
      fraction += 1n;
    }
  }
  return 32n * (1n << 24n) - (whole * (1n << 24n) + fraction);
}

const inOrder = (seed, lines) => lines.map(line => ({ line, draw: draw(seed, line.id) })).sort((a, b) => {
  if (a.line.tier !== b.line.tier) return TIERS.indexOf(a.line.tier) - TIERS.indexOf(b.line.tier);
  const left = a.draw.log * BigInt(b.line.weight);
  const right = b.draw.log * BigInt(a.line.weight);
  if (left !== right) return left < right ? -1 : 1;
  return a.line.id < b.line.id ? -1 : 1;
});

function choose(c) {
  const seed = Buffer.from(c.seed, 'hex');
  const judged = new Map(c.lines.map(line => [line.id, judge(c, line)]));
  const winner = inOrder(seed, c.lines.filter(line => judged.get(line.id)[0] === null)).find(o => o.draw.pass < o.line.pass);
  const soon = c.lines.filter(line => line.windows.some(w => w.to > Math.floor(c.now / 1000)) && lineForPerson(c, line) === null);
  const prefetch = inOrder(seed, soon).map(({ line }) => ({ line: line.id, creative: turns(line, c.shown).find(d => creativeForPerson(c, d) === null) })).filter(o => o.creative !== undefined);
  return {
    refusals: c.lines.map(line => judged.get(line.id)[0]),
    chosen: winner ? { line: winner.line.id, creative: judged.get(winner.line.id)[1] } : null,
    prefetch,
  };
}

const showing = (line, creative, at) => ({ line: line.id, campaign: line.campaign, advertiser: line.advertiser, creative, category: line.category ?? undefined, at });
const randomCap = levels => ({ level: oneOf(levels), most: chance(15) ? 0 : between(1, 4), seconds: oneOf([30, 300, 3600, DAY, 30 * DAY]) });
const randomAt = () => NOON_MS - oneOf([between(-20_000, 60_000), between(0, 4_000_000), between(0, 40 * DAY) * 1000]);

function capCases() {
  const creatives = ['c1', 'c2', 'c3'];
  const lines = [
    { id: guid(1), campaign: guid(11), advertiser: guid(21) }, { id: guid(2), campaign: guid(11), advertiser: guid(21) },
    { id: guid(3), campaign: guid(12), advertiser: guid(21) }, { id: guid(4), campaign: guid(13), advertiser: guid(22) },
  ];
  const edge = LEVELS.flatMap(level => [299_999, 300_000, -1].map(ms => ({
    name: `${level}, one ${ms} ms ago`, cap: { level, most: 1, seconds: 300 }, line: lines[0], creative: 'c1', shown: [showing(lines[0], 'c1', NOON_MS - ms)], now: NOON_MS,
  })));
  const random = times(105, i => ({
    name: `random ${i}`, cap: randomCap(LEVELS), line: oneOf(lines), creative: oneOf(creatives), shown: times(between(0, 9), () => showing(oneOf(lines), oneOf(creatives), randomAt())), now: NOON_MS,
  }));
  return [...edge, ...random].map(c => ({ ...c, expect: reached(c.cap, c.line, c.creative, c.shown, c.now) }));
}

function choiceCases() {
  const seed = sha256('an edge').toString('hex');
  const line = { id: guid(1), campaign: guid(2), advertiser: guid(3), tier: 'standard', weight: 1, pass: 64, windows: [{ from: NOON, to: NOON + 100 }], caps: [], category: null, countries: [], languages: [], creatives: ['c0'] };
  const base = {
    lines: [line], creatives: [{ digest: 'c0', adultsOnly: false }], policyCaps: [], adsApart: 1, age: 'unknown', country: 'DE', language: 'de', ready: ['c0'], shown: [], hiddenLines: [], hiddenCreatives: [], hiddenAdvertisers: [], seed, now: NOON_MS,
  };
  const bent = (name, more, change = {}) => ({ name, ...base, lines: [{ ...line, ...change }], ...more });
  const pass = draw(Buffer.from(seed, 'hex'), line.id).pass;
  const before = (change, ms) => [showing({ ...line, id: guid(9), campaign: guid(9), advertiser: guid(9), ...change }, 'c9', NOON_MS - ms)];
  const edges = [
    bent('a moment before its window', { now: NOON_MS - 1 }), bent('as its window begins', {}), bent('the last moment of its window', { now: NOON_MS + 99_999 }), bent('as its window ends', { now: NOON_MS + 100_000 }),
    bent('a pass as drawn', {}, { pass }), bent('a pass above what is drawn', {}, { pass: pass + 1 }), bent('no pass', {}, { pass: 0 }),
    bent('none and none are not the same category', { shown: before({ category: null }, 1000) }), bent('the same category', { shown: before({ category: 'cars' }, 1000) }, { category: 'cars' }),
    bent('the same category less than an hour ago', { shown: before({ category: 'cars' }, 3_599_999) }, { category: 'cars' }), bent('the same category an hour ago', { shown: before({ category: 'cars' }, 3_600_000) }, { category: 'cars' }),
    bent('the same advertiser', { shown: before({ advertiser: guid(3) }, 1000) }), bent('the same advertiser, and none need lie between', { shown: before({ advertiser: guid(3) }, 1000), adsApart: 0 }),
    bent('the same advertiser, with another since', { shown: [...before({ advertiser: guid(3) }, 1000), ...before({}, 500)] }), bent('and two must lie between', { shown: [...before({ advertiser: guid(3) }, 1000), ...before({}, 500)], adsApart: 2 }),
    bent('in the order of the log, not of the clock', { shown: [...before({ advertiser: guid(3) }, 500), ...before({}, 1000)] }), bent('an unknown country', { country: null }, { countries: ['DE'] }), bent('an unknown language', { language: null }, { languages: ['de'] }),
  ].map(c => ({ ...c, expect: choose(c) }));
  return [...edges, ...randomChoices()];
}

function randomChoices() {
  return times(110, i => {
    const creatives = times(between(1, 5), n => ({ digest: `c${n}`, adultsOnly: chance(6) }));
    const digests = creatives.map(c => c.digest);
    const some = list => list.filter(() => chance(2));
    const lines = times(between(0, 8), n => {
      const own = some(digests);
      return {
        id: guid(n + 1), campaign: guid(100 + between(0, 3)), advertiser: guid(200 + between(0, 4)), tier: i % 3 === 0 ? 'standard' : oneOf(TIERS), weight: oneOf([1, 2, 10, 500, 1000]),
        pass: oneOf([0, 1, 20, 40, 64, 64, 64, 64]),
        windows: chance(8) ? [] : [{ from: NOON - between(-100, 2000), to: NOON + 3000 + between(0, 100) }, ...(chance(4) ? [{ from: NOON - 9000, to: NOON - 5000 }] : [])],
        caps: times(between(0, 2), () => randomCap(LEVELS.slice(0, 4))), category: oneOf([null, null, 'cars', 'shoes']), countries: oneOf([[], [], ['DE'], ['FR', 'AT']]), languages: oneOf([[], [], [], ['de'], ['en']]),
        creatives: own.length ? own : [digests[0]],
      };
    });
    const c = {
      name: `random ${i}`, lines, creatives, policyCaps: chance(3) ? [randomCap(LEVELS)] : [], adsApart: between(0, 2), age: oneOf(['unknown', 'unknown', 'adult']), country: oneOf(['DE', 'DE', 'FR', null]),
      language: oneOf(['de', 'de', 'en', null]), ready: chance(4) ? some(digests) : digests,
      shown: lines.length ? times(between(0, 5), () => (line => showing(line, oneOf(line.creatives), randomAt()))(oneOf(lines))) : [],
      hiddenLines: lines.length && chance(8) ? [oneOf(lines).id] : [], hiddenCreatives: chance(8) ? [oneOf(digests)] : [], hiddenAdvertisers: chance(8) ? [guid(200 + between(0, 4))] : [],
      seed: sha256(`seed ${i}`).toString('hex'), now: NOON_MS + between(0, 999),
    };
    return { ...c, expect: choose(c) };
  });
}

function drawCases() {
  return times(60, i => {
    const seed = sha256(`draw ${i}`);
    const line = `${sha256(`line ${i}`).toString('hex').slice(0, 32)}`.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
    const { pass, log } = draw(seed, line);
    return { seed: seed.toString('hex'), line, pass, log: Number(log) };
  });
}

// Of u itself, where the recipe has its edges.
function logarithmCases() {
  const edges = [1n, 2n, 3n, 4n, 1n << 31n, (1n << 31n) + 1n, (1n << 31n) - 1n, (1n << 32n) - 1n, 1n << 32n];
  return [...edges, ...times(30, () => BigInt(below(2 ** 32)) + 1n)].map(u => ({ u: Number(u), log: Number(minusLog2(u)) }));
}

const seedCases = () => times(8, i => {
  const session = sha256(`session ${i}`);
  const ads = oneOf([0, 1, 2, 3, 300, 70_000]);
  return { session: session.toString('hex'), ads, seed: sha256(session, Buffer.from([ads >>> 24, (ads >>> 16) & 255, (ads >>> 8) & 255, ads & 255])).toString('hex') };
});

// ---------------------------------------------------------------- the log

const LOG = { shown: [], ordinals: [], pending: [], hiddenLines: [], hiddenCreatives: [], hiddenAdvertisers: [], thinning: 1 };
const logFile = log => (json => `${sha256(json).toString('hex')}\n${json}`)(canonical(log));
const isLate = (hour, now) => hour + HOUR + 48 * HOUR <= Math.floor(now / 1000);

function prune(log, now) {
  const seconds = now / 1000;
  let { shown, ordinals, pending, damagedAt = null, aheadSince = null, tallies = [] } = log;
  const isAhead = damagedAt > now || shown.some(s => s.at > now) || ordinals.some(o => o.at > now) || pending.some(p => p.record.hour > seconds) || tallies.some(t => t.hour > seconds);
  aheadSince = isAhead ? Math.min(aheadSince ?? now, now) : null;
  if (aheadSince !== null && now - aheadSince >= 30 * DAY * 1000) {
    shown = shown.filter(s => s.at <= now);
    ordinals = ordinals.map(o => ({ ...o, at: Math.min(o.at, now) }));
    pending = pending.filter(p => p.record.hour <= seconds);
    tallies = tallies.filter(t => t.hour <= seconds);
    if (damagedAt > now) damagedAt = null;
    aheadSince = null;
  }
  tallies = tallies.filter(t => !isLate(t.hour, now));
  return {
    shown: shown.filter(s => age(s.at, now) < 30 * DAY * 1000), ordinals: ordinals.filter(o => age(o.at, now) < 180 * DAY * 1000), pending: pending.filter(p => !isLate(p.record.hour, now)),
    hiddenLines: log.hiddenLines, hiddenCreatives: log.hiddenCreatives, hiddenAdvertisers: log.hiddenAdvertisers, thinning: log.thinning,
    damagedAt: damagedAt !== null && age(damagedAt, now) < 30 * DAY * 1000 ? damagedAt : undefined, aheadSince: aheadSince ?? undefined, tallies: tallies.length ? tallies : undefined,
  };
}

const RECORD = { id: guid(900), line: guid(1), creative: 'c1', cell: 'chat-dev/tray/DE/de/unknown', epoch: NOON, hour: NOON, ordinal: 1, quartile: 'start', dwell: 'underOneSecond', skipped: false, action: 'none' };

function randomLog() {
  const at = () => NOON_MS - oneOf([0, 1, 1000, between(0, 60) * DAY * 1000, between(0, 400) * DAY * 1000, 30 * DAY * 1000, 30 * DAY * 1000 - 1, 180 * DAY * 1000, 180 * DAY * 1000 - 1, -1, -9_000_000_000]);
  const hour = () => NOON - oneOf([0, 1, 47, 48, 49, 50, -1, -1000]) * HOUR;
  return {
    shown: times(between(0, 4), n => showing({ id: guid(n), campaign: guid(n + 10), advertiser: guid(n + 20), category: oneOf([null, 'cars']) }, `c${n}`, at())),
    ordinals: times(between(0, 3), n => ({ line: guid(n), count: between(1, 6), at: at() })), pending: times(between(0, 3), n => ({ record: { ...RECORD, id: guid(900 + n), hour: hour() }, isOpen: chance(2) })),
    hiddenLines: chance(3) ? [guid(5)] : [], hiddenCreatives: chance(3) ? ['c5'] : [], hiddenAdvertisers: chance(3) ? [guid(25)] : [], thinning: oneOf([1, 2, 4, 8, 16]),
    damagedAt: chance(3) ? at() : undefined, aheadSince: chance(3) ? NOON_MS - oneOf([0, 1, 30 * DAY * 1000, 30 * DAY * 1000 - 1, -1]) : undefined,
    tallies: chance(2) ? times(between(1, 2), n => ({ hour: hour() - n * 100 * HOUR, count: between(1, 20) })) : undefined,
  };
}

function logChanges() {
  const cases = times(60, i => (log => ({ name: `prune ${i}`, change: 'prune', log, now: NOON_MS, expect: prune(log, NOON_MS) }))(randomLog()));
  const line = { id: guid(1), campaign: guid(11), advertiser: guid(21), category: 'cars' };
  for (let count = 0; count <= 6; count++) {
    const log = { ...LOG, ordinals: [...(count ? [{ line: guid(1), count, at: 5 }] : []), { line: guid(2), count: 3, at: 6 }] };
    const record = { ...RECORD, ordinal: Math.min(count + 1, 6) };
    cases.push({
      name: `shown after ${count}`, change: 'show', log, now: NOON_MS, line, creative: 'c1', record,
      expect: { ...log, shown: [showing(line, 'c1', NOON_MS)], ordinals: [{ line: guid(2), count: 3, at: 6 }, { line: guid(1), count: Math.min(count + 1, 6), at: NOON_MS }], pending: [{ record, isOpen: true }] },
    });
  }
  const open = { ...LOG, pending: [{ record: RECORD, isOpen: true }, { record: { ...RECORD, id: guid(901) }, isOpen: true }] };
  const ended = { ...RECORD, quartile: 'half', dwell: 'threeToSix', skipped: true, action: 'hideAd' };
  cases.push({ name: 'ended', change: 'end', log: open, record: ended, expect: { ...open, pending: [{ record: ended, isOpen: false }, open.pending[1]] } });
  cases.push({ name: 'ended after it went out', change: 'end', log: LOG, record: ended, expect: LOG });
  cases.push({ name: 'accepted', change: 'accept', log: open, records: [guid(900), guid(7)], expect: { ...open, pending: [open.pending[1]] } });
  cases.push({ name: 'hidden', change: 'hideAd', log: { ...LOG, hiddenLines: [guid(3)] }, line, creative: 'c1', expect: { ...LOG, hiddenLines: [guid(3), guid(1)], hiddenCreatives: ['c1'] } });
  cases.push({ name: 'hidden twice', change: 'hideAd', log: { ...LOG, hiddenLines: [guid(1)], hiddenCreatives: ['c1'] }, line, creative: 'c1', expect: { ...LOG, hiddenLines: [guid(1)], hiddenCreatives: ['c1'] } });
  cases.push({ name: 'an advertiser hidden', change: 'hideAdvertiser', log: LOG, line, expect: { ...LOG, hiddenAdvertisers: [guid(21)] } });
  for (const thinning of [1, 2, 4, 8, 16]) cases.push({ name: `see less than 1/${thinning}`, change: 'seeLess', log: { ...LOG, thinning }, expect: { ...LOG, thinning: Math.min(16, thinning * 2) } });
  cases.push({ name: 'see as usual', change: 'seeUsual', log: { ...LOG, thinning: 8 }, expect: LOG });
  const tallies = count => ({ ...LOG, tallies: [{ hour: NOON, count }] });
  for (const [before, after] of [[null, 1], [1, 2], [19, 20], [20, 20]])
    cases.push({ name: `an opportunity after ${before}`, change: 'countOpportunity', log: before ? tallies(before) : LOG, now: NOON_MS + 3_599_999, expect: tallies(after) });
  return cases;
}

function logFiles() {
  const whole = { ...randomLog(), pending: [{ record: RECORD, isOpen: true }], shown: [showing({ id: guid(1), campaign: guid(2), advertiser: guid(3), category: "cars & 'more' +<ü>" }, 'c1', NOON_MS)] };
  const good = logFile(whole);
  const bent = change => (copy => (change(copy), logFile(copy)))(structuredClone(whole));
  const files = [
    ['empty log', logFile(LOG), true], ['a log', good, true], ['nothing', '', false], ['a wrong sum', good.replace(/^./, c => (c === '0' ? '1' : '0')), false], ['cut', good.slice(0, -1), false], ['a line more', `${good}\n`, false],
    ['an upper-case sum', good.replace(/^[0-9a-f]{64}/, s => s.toUpperCase()), false], ['no line end', good.replace('\n', ' '), false],
    ['white space', (json => `${sha256(json).toString('hex')}\n${json}`)(canonical(LOG).replace(',', ', ')), false], ['null', (json => `${sha256(json).toString('hex')}\n${json}`)('null'), false],
    ['thinning 3', bent(l => (l.thinning = 3)), false], ['thinning 0', bent(l => (l.thinning = 0)), false], ['ordinal 0', bent(l => (l.ordinals = [{ line: guid(1), count: 0, at: 1 }])), false],
    ['ordinal 7', bent(l => (l.ordinals = [{ line: guid(1), count: 7, at: 1 }])), false], ['a line with two ordinals', bent(l => (l.ordinals = [{ line: guid(1), count: 1, at: 1 }, { line: guid(1), count: 2, at: 1 }])), false],
    ['before 1970', bent(l => (l.shown[0].at = -1)), false], ['after 9999', bent(l => (l.shown[0].at = 253_402_300_800_000)), false], ['without shown', bent(l => delete l.shown), false], ['without thinning', bent(l => delete l.thinning), false],
    ['damaged before 1970', bent(l => (l.damagedAt = -1)), false], ['a record without a creative', bent(l => delete l.pending[0].record.creative), false],
  ];
  return files.map(([name, file, isWhole]) => ({ name, file, isWhole }));
}

function dueCases() {
  return [[false, 0, true], [true, 0, false], [true, 2 * HOUR - 1, false], [true, 2 * HOUR, true]].map(([isOpen, seconds, isDue]) => ({ pending: { record: RECORD, isOpen }, now: NOON_MS + seconds * 1000, expect: isDue }));
}

// ---------------------------------------------------------------- catalogs

const keyOf = name => createPrivateKey({ key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), sha256(`stories/vectors/${name}`)]), format: 'der', type: 'pkcs8' });
const publicOf = key => Buffer.from(createPublicKey(key).export({ format: 'jwk' }).x, 'base64url');

function catalogCases() {
  const key = keyOf('service');
  const other = keyOf('somebody else');
  const signed = (bytes, by = key, purpose = 'stories/catalog/v1') =>
    ({ bytes: bytes.toString('base64'), signature: sign(null, Buffer.concat([Buffer.from(`${purpose}\n`), bytes]), by).toString('base64'), key: sha256(publicOf(by)).toString('hex').slice(0, 16) });
  const facts = { label: 'Sponsored', brand: 'Brand', headline: 'Für "alle" & <jeden> + mehr 🎈', beneficiary: 'Beneficiary', payer: 'Payer', altText: 'A picture', language: 'de', callToAction: { kind: 'none' }, disclosures: { madeByAi: false, adultsOnly: false, finance: false } };
  const file = { name: 'video-720', mediaType: 'video/mp4', codecs: 'avc1.640028', width: 720, height: 1280, duration: 10_000, blob: { sha256: sha256('a video').toString('hex'), length: 7 } };
  const digestOf = (someFacts, files) => sha256(canonical({ facts: someFacts, media: files })).toString('hex');
  const creative = (someFacts = facts, files = [file]) => ({ digest: digestOf(someFacts, files), facts: someFacts, media: files.map(f => ({ file: f, url: 'https://media.test/a?sig=x%2B&se=1' })), advertiserName: 'An advertiser', whyThis: 'Shown in Germany today.' });
  const base = {
    deployment: 'here', cell: { app: 'chat-dev', placement: 'tray', country: 'DE', language: 'de', age: 'unknown' }, epoch: NOON, policy: POLICY,
    lines: [{ id: guid(1), campaign: guid(2), advertiser: guid(3), tier: 'standard', weight: 1, pass: 64, windows: [{ from: NOON, to: NOON + 100 }], caps: [{ level: 'line', most: 3, seconds: 60 }], category: 'cars', countries: [], languages: [], creatives: [creative().digest] }],
    creatives: [creative()],
  };
  const cases = [];
  const add = (name, expect, record) => cases.push({ name, record, expect });
  const bend = (name, expect, change) => {
    const bent = structuredClone(base);
    change(bent);
    add(name, expect, signed(Buffer.from(canonical(bent))));
  };
  const good = signed(Buffer.from(canonical(base)));
  add('good', null, good);
  add('by another key', 'notSigned', signed(Buffer.from(canonical(base)), other));
  add('for another purpose', 'notSigned', signed(Buffer.from(canonical(base)), key, 'stories/offer/v1'));
  add('other bytes than were signed', 'notSigned', { ...good, bytes: Buffer.from(canonical({ ...base, epoch: NOON + 300 })).toString('base64') });
  add('a signature cut short', 'notSigned', { ...good, signature: Buffer.from(good.signature, 'base64').subarray(0, 63).toString('base64') });
  add('no signature', 'notSigned', { ...good, signature: '' });
  add('not JSON', 'malformed', signed(Buffer.from('catalog')));
  add('a line end behind it', 'malformed', signed(Buffer.from(canonical(base) + '\n')));
  add('white space', 'malformed', signed(Buffer.from(JSON.stringify(JSON.parse(canonical(base)), null, 1))));
  add('JSON with other escapes', 'malformed', signed(Buffer.from(JSON.stringify(JSON.parse(canonical(base))))));
  add('null', 'malformed', signed(Buffer.from('null')));
  bend('a property more', 'malformed', c => (c.more = 1));
  bend('another deployment', 'anotherDeployment', c => (c.deployment = 'there'));
  bend('another app', 'anotherCell', c => (c.cell.app = 'photos-dev'));
  bend('another country', 'anotherCell', c => (c.cell.country = 'FR'));
  bend('another language', 'anotherCell', c => (c.cell.language = 'en'));
  bend('for adults', 'anotherCell', c => (c.cell.age = 'adult'));
  bend('merged over languages', null, c => delete c.cell.language);
  bend('merged over countries', null, c => (delete c.cell.language, delete c.cell.country));
  bend('a language without a country', 'malformed', c => delete c.cell.country);
  bend('a country in small letters', 'malformed', c => (c.cell.country = 'de'));
  bend('ten minutes ahead', null, c => (c.epoch = NOON + 600));
  bend('fifteen minutes ahead', 'fromTheFuture', c => (c.epoch = NOON + 900));
  bend('48 hours old', null, c => (c.epoch = NOON - 48 * HOUR));
  bend('older', 'tooOld', c => (c.epoch = NOON - 48 * HOUR - 300));
  bend('no epoch', 'malformed', c => (c.epoch = NOON + 1));
  bend('other facts than the digest says', 'malformed', c => (c.creatives[0].facts = { ...facts, payer: 'Somebody else' }));
  bend('another file than the digest says', 'malformed', c => (c.creatives[0].media[0].file.blob.length = 8));
  bend('other facts with their own digest', null, c => ((c.creatives = [creative({ ...facts, payer: 'Somebody else' })]), (c.lines[0].creatives = [c.creatives[0].digest])));
  bend('another address of the same file', null, c => (c.creatives[0].media[0].url = 'https://media.test/b'));
  bend('a creative twice', 'malformed', c => c.creatives.push(c.creatives[0]));
  bend('a creative that is missing', 'malformed', c => (c.creatives = []));
  bend('a creative without media', 'malformed', c => ((c.creatives = [creative(facts, [])]), (c.lines[0].creatives = [c.creatives[0].digest])));
  // Bytes are in base64 as it is, with no escape for its plus signs.
  const merchant = keyOf('merchant');
  const offers = times(50, price => Buffer.from(canonical({ id: guid(9), advertiser: guid(3), merchant: 'Merchant', product: 'A bicycle + bell', priceMicros: price, currency: 'EUR', expiresAt: NOON + HOUR })));
  const offer = offers.map(bytes => ({ bytes, signature: sign(null, Buffer.concat([Buffer.from('stories/offer/v1\n'), bytes]), merchant), key: sha256(publicOf(merchant)).toString('hex').slice(0, 16) }))
    .find(o => o.signature.toString('base64').includes('+'));
  const paid = { ...creative({ ...facts, callToAction: { kind: 'pay', offer: guid(9) } }), offer, offerKey: publicOf(merchant) };
  bend('a payment with its offer', null, c => ((c.creatives = [paid]), (c.lines[0].creatives = [paid.digest])));
  bend('a file whose name is a path', 'malformed', c => ((c.creatives = [creative(facts, [{ ...file, name: '../video-720' }])]), (c.lines[0].creatives = [c.creatives[0].digest])));
  bend('a file without a name', 'malformed', c => ((c.creatives = [creative(facts, [{ ...file, name: '' }])]), (c.lines[0].creatives = [c.creatives[0].digest])));
  bend('a payment without an offer', 'malformed', c => ((c.creatives = [creative({ ...facts, callToAction: { kind: 'pay', offer: guid(9) } })]), (c.lines[0].creatives = [c.creatives[0].digest])));
  bend('an address with a macro', 'malformed', c => ((c.creatives = [creative({ ...facts, callToAction: { kind: 'openUrl', target: 'https://shop.test/{user}' } })]), (c.lines[0].creatives = [c.creatives[0].digest])));
  bend('a fixed address', null, c => ((c.creatives = [creative({ ...facts, callToAction: { kind: 'openUrl', target: 'https://shop.test/sale?from=status' } })]), (c.lines[0].creatives = [c.creatives[0].digest])));
  bend('a line twice', 'malformed', c => c.lines.push(c.lines[0]));
  bend('no lines', null, c => ((c.lines = []), (c.creatives = [])));
  for (const [name, change] of Object.entries({
    'weight 0': l => (l.weight = 0), 'weight 1001': l => (l.weight = 1001), 'pass -1': l => (l.pass = -1), 'pass 65': l => (l.pass = 65), 'no creative': l => (l.creatives = []), 'a window that ends as it begins': l => (l.windows[0].to = NOON),
    'a cap below zero': l => (l.caps[0].most = -1), 'a cap without time': l => (l.caps[0].seconds = 0), 'a cap longer than 30 days': l => (l.caps[0].seconds = 30 * DAY + 1), 'a level that is none': l => (l.caps[0].level = 'person'), 'a level in numbers': l => (l.caps[0].level = 1),
  })) bend(name, 'malformed', c => change(c.lines[0]));
  bend('weight 1000', null, c => (c.lines[0].weight = 1000));
  bend('pass 0', null, c => (c.lines[0].pass = 0));
  bend('a cap of none', null, c => (c.lines[0].caps[0].most = 0));
  for (const [name, bad] of Object.entries({
    firstPeople: 0, firstSeconds: -1, peopleBetween: 0, secondsBetween: -1, perSession: -1, perDay: -1, maxPerMille: 1001, adsApart: 101, skipsBeforeDoubling: -1, caps: [{ level: 'all', most: 1, seconds: 0 }],
  })) bend(`policy with ${name} ${canonical(bad)}`, 'malformed', c => (c.policy = { ...POLICY, [name]: bad }));
  return { serviceKey: publicOf(key).toString('hex'), deployment: 'here', cell: base.cell, now: NOON_MS, cases };
}

// ---------------------------------------------------------------- records

const QUARTILES = ['start', 'first', 'half', 'third', 'complete'];
const DWELLS = ['underOneSecond', 'oneToTwo', 'twoToThree', 'threeToSix', 'sixToFifteen', 'fifteenAndMore'];
const ACTIONS = ['none', 'messageBusiness', 'openProduct', 'pay', 'openUrl', 'hideAd', 'hideAdvertiser', 'report'];
const OFFERED = ['none', 'messageBusiness', 'openProduct', 'pay', 'openUrl'];

function recordFault({ record: r, duration, offered, now }) {
  const seconds = Math.floor(now / 1000);
  if (r.hour % HOUR !== 0 || r.epoch % 300 !== 0 || r.hour > seconds + HOUR || r.epoch > seconds + HOUR) return 'impossibleTime';
  if (r.hour + HOUR <= r.epoch - HOUR || r.hour > r.epoch + 49 * HOUR) return 'staleEpoch';
  if (r.ordinal < 1 || r.ordinal > 6) return 'impossibleOrdinal';
  const most = [1, 2, 3, 6, 15, Infinity][DWELLS.indexOf(r.dwell)];
  if (duration !== null && most * 1000 * 40 < duration * QUARTILES.indexOf(r.quartile) * 9) return 'impossibleDwell';
  if (r.skipped && r.quartile === 'complete') return 'impossibleSkip';
  if (ACTIONS.indexOf(r.action) >= 1 && ACTIONS.indexOf(r.action) <= 4 && r.action !== offered) return 'impossibleAction';
  return null;
}

function recordCases() {
  const edges = [['as long before its catalog as may be', -1, 0], ['longer', -2, 0], ['a day later', 24, 0], ['as long after it as one is kept', 0, -49 * HOUR], ['longer', 0, -49 * HOUR - 300], ['an hour ahead', 1, HOUR], ['more', 2, HOUR], ['a catalog further ahead', 1, HOUR + 300], ['a catalog two hours after it', -1, HOUR]]
    .map(([name, hours, epoch]) => ({ name, record: { ...RECORD, hour: NOON + hours * HOUR, epoch: NOON + epoch }, duration: null, offered: 'none', now: NOON_MS }));
  return [...edges, ...randomRecords()].map(c => ({ ...c, expect: recordFault(c), isLate: isLate(c.record.hour, c.now), isLateAfterTwoDays: isLate(c.record.hour, c.now + 48 * HOUR * 1000) }));
}

function randomRecords() {
  return times(160, i => {
    const usual = !chance(4);
    const action = oneOf(ACTIONS);
    return {
      name: `random ${i}`,
      record: {
        ...RECORD, id: guid(1000 + i), epoch: NOON - (usual ? between(0, 20) * 300 : oneOf([-HOUR, -HOUR - 300, 60, 49 * HOUR, 49 * HOUR + 300, 60 * HOUR])), hour: NOON - (usual ? between(0, 1) : oneOf([-1, -2, 1, 2, 3, 48, 0.5])) * HOUR, ordinal: usual ? between(1, 6) : between(-1, 8),
        quartile: oneOf(QUARTILES), dwell: usual ? oneOf(DWELLS.slice(2)) : oneOf(DWELLS), skipped: chance(3), action,
      },
      duration: oneOf([null, 1000, 4444, 4445, 10_000, 15_000, 60_000]), offered: chance(3) || !OFFERED.includes(action) ? oneOf(OFFERED) : action, now: NOON_MS + between(0, 999),
    };
  });
}

// ---------------------------------------------------------------- files, one case in a line

function write(name, content) {
  const lines = Object.entries(content).map(([k, v]) => `${JSON.stringify(k)}: ${Array.isArray(v) ? `[\n${v.map(c => '  ' + JSON.stringify(c)).join(',\n')}\n]` : JSON.stringify(v)}`);
  writeFileSync(join(folder, name), `{\n${lines.join(',\n')}\n}\n`);
}

write('gate.json', { cases: gateCases() });
write('caps.json', { cases: capCases() });
write('choice.json', { logarithms: logarithmCases(), draws: drawCases(), seeds: seedCases(), cases: choiceCases() });
write('log.json', { files: logFiles(), changes: logChanges(), due: dueCases() });
write('catalogs.json', catalogCases());
write('records.json', { cases: recordCases() });
