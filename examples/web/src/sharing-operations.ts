// What is asked of the server about who is in a list, and invitations to lists.
import { graphql } from './__generated__';

export type { InvitationFragment as Invitation, MemberFragment as Member } from './__generated__/graphql';

graphql(`
  fragment Person on User {
    id
    username
  }

  fragment Member on ListMember {
    id
    role
    user {
      ...Person
    }
  }

  fragment Invitation on Invitation {
    id
    listName
    role
    sentTo
    expiresAt
    invitedBy {
      ...Person
    }
  }
`);

export const LOAD_MEMBERS = graphql(`
  query LoadMembers($id: ID!) {
    node(id: $id) {
      __typename
      ... on TodoList {
        members(first: 100) {
          nodes {
            ...Member
          }
        }
        invitations(first: 50) {
          nodes {
            ...Invitation
          }
        }
      }
    }
  }
`);

export const INVITE = graphql(`
  mutation Invite($id: ID!, $input: InvitationInput!) {
    listInvite(id: $id, input: $input) {
      errors {
        ...Problem
      }
    }
  }
`);

export const ACCEPT_INVITATION = graphql(`
  mutation AcceptInvitation($id: ID, $token: String) {
    invitationAccept(id: $id, token: $token) {
      list {
        id
      }
      errors {
        ...Problem
      }
    }
  }
`);

export const DECLINE_INVITATION = graphql(`
  mutation DeclineInvitation($id: ID, $token: String) {
    invitationDecline(id: $id, token: $token) {
      errors {
        ...Problem
      }
    }
  }
`);

export const REVOKE_INVITATION = graphql(`
  mutation RevokeInvitation($id: ID!) {
    invitationRevoke(id: $id) {
      errors {
        ...Problem
      }
    }
  }
`);

export const CHANGE_ROLE = graphql(`
  mutation ChangeRole($id: ID!, $role: ListRole!) {
    memberUpdate(id: $id, role: $role) {
      errors {
        ...Problem
      }
    }
  }
`);

export const REMOVE_MEMBER = graphql(`
  mutation RemoveMember($id: ID!, $reassignToId: ID) {
    memberRemove(id: $id, reassignToId: $reassignToId) {
      errors {
        ...Problem
      }
    }
  }
`);

export const LEAVE_LIST = graphql(`
  mutation LeaveList($id: ID!) {
    listLeave(id: $id) {
      errors {
        ...Problem
      }
    }
  }
`);

export const TRANSFER_LIST = graphql(`
  mutation TransferList($id: ID!, $toId: ID!, $currentPassword: String!) {
    listTransfer(id: $id, toId: $toId, currentPassword: $currentPassword) {
      errors {
        ...Problem
      }
    }
  }
`);
