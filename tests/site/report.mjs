// SPDX-License-Identifier: GPL-2.0-only
// What was checked, and what was found wrong.

const LONGEST = 400; // characters of a finding

export class Report {
  passed = 0;
  findings = [];

  // One check: `wrong` is a list of findings, empty if all is right.
  check(name, wrong) {
    if (wrong.length === 0) {
      this.passed += 1;
      return;
    }
    for (const finding of wrong) this.findings.push(`${name}: ${finding}`.slice(0, LONGEST));
    console.log(`${name}: ${wrong.length} wrong`);
  }

  close() {
    for (const finding of this.findings) console.error(finding);
    console.log(`${this.passed} passed, ${this.findings.length} failed`);
    return this.findings.length ? 1 : 0;
  }
}
