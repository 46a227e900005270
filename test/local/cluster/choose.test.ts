import { describe, expect, it } from '@jest/globals';
import { afterDownload, chooseCluster, type ClusterFacts } from '../../../src/local/cluster/choose.ts';

const BARE: ClusterFacts = {
  kubeconfig: undefined,
  earlier: undefined,
  k3sProgram: undefined,
  k3sServing: undefined,
  isRoot: true,
};

describe('which cluster', () => {
  it('is the one of KUBECONFIG, whatever else is there', () => {
    const facts = { ...BARE, kubeconfig: '/home/ann/config', k3sProgram: '/usr/local/bin/k3s', isRoot: false };
    expect(chooseCluster(facts)).toMatchObject({
      kind: 'chosen',
      choice: { kind: 'given', kubeconfig: '/home/ann/config' },
    });
  });

  it('is the k3s that serves already, before a k3s that does not', () => {
    const facts = { ...BARE, k3sServing: '/etc/rancher/k3s/k3s.yaml', k3sProgram: '/usr/local/bin/k3s' };
    expect(chooseCluster(facts)).toMatchObject({ choice: { kind: 'k3s-running' } });
  });

  it('is a k3s of its own where the program is on the machine', () => {
    expect(chooseCluster({ ...BARE, k3sProgram: '/usr/local/bin/k3s' })).toMatchObject({
      choice: { kind: 'k3s', program: '/usr/local/bin/k3s' },
    });
  });

  it('is the downloaded release on a bare machine, and Kubernetes from its modules where that does not come', () => {
    const decision = chooseCluster(BARE);
    expect(decision.kind).toBe('try-download');
    const otherwise = decision.kind === 'try-download' ? decision.otherwise : '';
    expect(afterDownload(otherwise, { program: '/cache/k3s' })).toMatchObject({ kind: 'k3s-download' });
    expect(afterDownload(otherwise, { failure: 'no answer within 5 s' })).toEqual({
      kind: 'modules',
      why: 'no KUBECONFIG, no k3s on this machine, and its release could not be downloaded (no answer within 5 s)',
    });
  });

  it('stays what it was, though something else has been installed since', () => {
    const earlier = { kind: 'modules', why: 'chosen before: no k3s' } as const;
    expect(chooseCluster({ ...BARE, earlier, k3sProgram: '/usr/local/bin/k3s' })).toEqual({
      kind: 'chosen',
      choice: { kind: 'modules', why: 'chosen before: no k3s' },
    });
  });

  it('changes from one given cluster to another, and never silently from one made here to a given one', () => {
    const given = { kind: 'given', why: '', kubeconfig: '/a' } as const;
    expect(chooseCluster({ ...BARE, earlier: given, kubeconfig: '/b' })).toMatchObject({
      choice: { kubeconfig: '/b' },
    });
    const refused = chooseCluster({ ...BARE, earlier: { kind: 'modules', why: '' }, kubeconfig: '/b' });
    expect(refused).toMatchObject({ kind: 'impossible', message: expect.stringContaining('down --purge') });
  });

  it('cannot be made without root, and says what to do', () => {
    expect(chooseCluster({ ...BARE, isRoot: false })).toMatchObject({
      kind: 'impossible',
      message: expect.stringContaining('set KUBECONFIG'),
    });
  });
});
